"""From decisions to orders: what has to change on the machine for the kernel's decisions to be true."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.kernel.machine import Order, Run, Stop
from sandbox.kernel.process import Cpu, Process
from sandbox.model.states import READY


class Orders:
    """Gathers what the machine has to be told at the end of an instant, stops first."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self.add = self._orders.append
        self._to_stop: list[Process] = []
        #: Note a process that became ready while the machine lets it run.
        self.stop_if_ready = self._to_stop.append

    def take(self, cpus: Iterable[Cpu], paused: bool) -> list[Order]:
        """The orders of this instant; a process that keeps its CPU needs no signal."""
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
