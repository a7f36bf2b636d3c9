"""A sensor that polls, which needs no privileges."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.machines.linux.blocking.sensors.base import Block, Observation, Sensor, SensorContext
from sandbox.machines.linux.process.child import Child
from sandbox.util.units import US

#: A process is looked at often soon after its dispatch, because one that only responds to something blocks at once.
#: Then each pause is half as long again as the previous one, up to a limit.
_MIN_PAUSE_NS = 150 * US
_MAX_PAUSE_NS = 1_500 * US


class PollSensor(Sensor):
    """Reads the open ``/proc/PID/stat`` of each running process, which takes about 2 µs."""

    name = "poll"

    def __init__(self, context: SensorContext) -> None:
        super().__init__()

    def dispatched(self, child: Child, now_ns: int) -> None:
        """Poll often for a while after a dispatch."""
        self.pause_ns = _MIN_PAUSE_NS
        super().dispatched(child, now_ns)

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        if now_ns >= self._next_ns:
            self.pause_ns = min(self.pause_ns * 3 // 2, _MAX_PAUSE_NS)
        return super().look(now_ns, running, last)

    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Return nothing, since there are no events."""
        return ()

    def close(self) -> None:
        """Do nothing, since no resources are held."""
