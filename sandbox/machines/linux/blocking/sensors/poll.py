"""The sensor that asks again and again; it needs no privilege."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.machines.linux.blocking.sensors.base import Block, Observation, Sensor, SensorContext
from sandbox.machines.linux.process.child import Child
from sandbox.util.units import US

#: Soon after a dispatch a process is looked at often, because one that only answers blocks at once; then each pause is
#: half as long again as the one before, up to a limit.
_MIN_PAUSE_NS = 150 * US
_MAX_PAUSE_NS = 1_500 * US


class PollSensor(Sensor):
    """Reads the kept-open ``/proc/PID/stat`` of each running process: about 2 µs a look."""

    name = "poll"

    def __init__(self, context: SensorContext) -> None:
        super().__init__()

    def dispatched(self, child: Child, now_ns: int) -> None:
        """Look closely for a while."""
        self.pause_ns = _MIN_PAUSE_NS
        super().dispatched(child, now_ns)

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        if now_ns >= self._next_ns:
            self.pause_ns = min(self.pause_ns * 3 // 2, _MAX_PAUSE_NS)
        return super().look(now_ns, running, last)

    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Nothing gives any."""
        return ()

    def close(self) -> None:
        """Nothing is held."""
