"""What the system itself recorded of every stretch that a process was on a CPU: a verified run is held against it."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable, Iterable, Iterator, Sequence

from sandbox.machines.clock import Clock
from sandbox.machines.linux.perf_events import MANY, Record, Ring
from sandbox.machines.linux.process.child import Relative
from sandbox.machines.reports import Reports
from sandbox.model.events import Witnessed
from sandbox.util.units import MS

#: So often it is read: to do so at each switch would cost as much as the switch, which it is to measure.
_PAUSE_NS = 5 * MS
Known = Callable[[int], Relative | None]


def open_switch_log(cpus: Sequence[int], clock: Clock, known: Known, reports: Reports) -> SwitchLog | None:
    """None, which is told, where the system keeps no such records for us."""
    try:
        return SwitchLog(cpus, clock, known)
    except OSError as error:
        reports.fault(None, "no witness", reason=error.strerror)
        return None


class SwitchLog:
    """Reads rings of its own, beside whatever sensor there is, and takes no part in the run. Open it before the first
    fork. ``known``: the process that has a number, or had it not long ago. Raises OSError where the system keeps no
    such records for us.
    """

    def __init__(self, cpus: Sequence[int], clock: Clock, known: Known) -> None:
        self._clock = clock
        self._known = known
        self._next_ns = 0
        self._rings: list[Ring] = []
        #: When (CLOCK_MONOTONIC) each thread came onto the CPU that it has.
        self._came_ns: dict[int, int] = {}
        #: The pid of each process that was seen, by the system's number.
        self._pids: dict[int, int] = {}
        try:
            for cpu in cpus:
                self._rings.append(Ring(cpu, MANY))
        except OSError:
            self.close()
            raise

    def read(self) -> Iterator[Witnessed]:
        """Each stretch that is over and was not read yet."""
        for cpu, ring in enumerate(self._rings):
            for record in ring.read():
                yield from self._stretch(cpu, record)

    def look(self, now_ns: int) -> Iterable[Witnessed]:
        """The same, if it is time."""
        if now_ns < self._next_ns:
            return ()
        self._next_ns = now_ns + _PAUSE_NS
        return self.read()

    def _stretch(self, cpu: int, record: Record) -> Iterator[Witnessed]:
        match record:
            case Record("on", _, thread, t_ns):
                self._came_ns[thread] = t_ns
            case Record("preempted" | "left" | "ended", os_pid, thread, t_ns):
                came_ns = self._came_ns.pop(thread, None)
                pid = self._pid(os_pid)
                if came_ns is not None and pid:
                    from_ns, until_ns = (self._clock.machine_ns(at_ns) for at_ns in (came_ns, t_ns))
                    yield Witnessed(self._clock.now_ns(), pid, cpu, from_ns, until_ns)

    def _pid(self, os_pid: int) -> int:
        """Its pid, also when it has ended by now; 0: it is none of ours."""
        process = self._known(os_pid)
        if process is not None:
            self._pids[os_pid] = process.pid
        return self._pids.get(os_pid, 0)

    def close(self) -> None:
        for ring in self._rings:
            ring.close()
        self._rings.clear()
