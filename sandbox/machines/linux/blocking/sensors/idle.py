"""The sensor for everywhere on Linux: an idle task of ours on each mini CPU tells when the CPU has nothing to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sandbox.i18n import N_
from sandbox.machines.linux.blocking.sensors.base import Around, Blockage, Sensor, SensorLost
from sandbox.machines.linux.blocking.sensors.idle_task import IdleTask
from sandbox.machines.linux.process.child import Child
from sandbox.util.units import MS

#: After a false alarm the idle task rests so long, or it would ring whenever Linux gives it its sliver.
_REST_NS = 1 * MS


class IdleSensor(Sensor):
    """One idle task a mini CPU (``sandbox.machines.linux.blocking.sensors.idle_task``)."""

    name = "idle"
    #: A process may block while something of the system's own keeps the CPU from its idle task; and only looking tells
    #: of births.
    pause_ns = 4 * MS

    def __init__(self, around: Around) -> None:
        super().__init__()
        self._around = around
        self._tasks: list[IdleTask] = []
        try:
            for cpu in around.places.mini:
                self._tasks.append(IdleTask(cpu))
        except OSError as error:
            self.close()
            raise SensorLost(error.errno, error.strerror or str(error)) from error
        for task in self._tasks:
            around.helpers.add(task.os_pid)
            around.poller.add(task.fileno(), None)

    def dispatched(self, child: Child, now_ns: int) -> None:
        """It may block soon: the idle task of its CPU shall tell."""
        super().dispatched(child, now_ns)
        if child.cpu is not None:
            self._tasks[child.cpu].arm()

    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Blockage]:
        """Those on CPUs whose idle task got to run."""
        idle = {cpu for cpu, task in enumerate(self._tasks) if task.armed and task.rang()}
        if any(task.lost for task in self._tasks):
            raise SensorLost(0, N_("its idle task has ended"))
        if now_ns >= self._next_ns:
            for task in self._tasks:
                task.arm()
        elif idle:
            self._next_ns = min(self._next_ns, now_ns + _REST_NS)
        return [Blockage(child, None) for child in running if child.cpu in idle]

    def close(self) -> None:
        for task in self._tasks:
            self._around.poller.remove(task.fileno())
            task.close()
        self._tasks.clear()
