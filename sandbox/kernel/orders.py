"""Turns the kernel's decisions into orders: what has to change on the machine."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.kernel.machine import Order, Run, Stop
from sandbox.kernel.process import Cpu, Process
from sandbox.model.states import READY


class Orders:
    """Collects the orders of one instant, stops first."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self.add = self._orders.append
        self._to_stop: list[Process] = []
        #: Note a READY process that the machine still lets run.
        self.stop_if_ready = self._to_stop.append

    def take(self, cpus: Iterable[Cpu], paused: bool) -> list[Order]:
        """Return the orders of this instant. A process that keeps its CPU needs none."""
        orders, self._orders = self._orders, []
        self.add = self._orders.append
        for process in self._to_stop:
            if process.continued and process.state is READY:
                process.continued = False
                orders.append(Stop(process.pid))
        self._to_stop.clear()
        for cpu in cpus:
            running = cpu.running
            if running is None or paused:
                cpu.dispatched = None
            elif running is not cpu.dispatched or not running.continued:
                cpu.dispatched = running
                running.continued = True
                orders.append(Run(running.pid, cpu.index))
        return orders
