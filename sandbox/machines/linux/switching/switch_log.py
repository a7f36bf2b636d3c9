"""The system's own records of when each process was on a CPU, against which a verified run is checked."""

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

#: The interval of reading. To read at each switch would take as long as the switch that is to be measured.
_PAUSE_NS = 5 * MS
Known = Callable[[int], Relative | None]


def open_switch_log(cpus: Sequence[int], clock: Clock, known: Known, reports: Reports) -> SwitchLog | None:
    """Return an open switch log, or report a fault and return None if the system provides no such records to us."""
    try:
        return SwitchLog(cpus, clock, known)
    except OSError as error:
        reports.fault(None, "no witness", reason=error.strerror)
        return None


class SwitchLog:
    """Reads switch records through its own rings, in addition to any sensor, and does not influence the run.

    To be opened before the first fork. ``known`` returns the process that has a number, or had it recently. Raises
    OSError if the system provides no such records to us.
    """

    def __init__(self, cpus: Sequence[int], clock: Clock, known: Known) -> None:
        self._clock = clock
        self._known = known
        self._next_ns = 0
        self._rings: list[Ring] = []
        #: When (CLOCK_MONOTONIC) each thread came onto its present CPU.
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
        """Yield each stretch on a CPU that has ended and was not read yet."""
        for cpu, ring in enumerate(self._rings):
            for record in ring.read():
                yield from self._stretch(cpu, record)

    def look(self, now_ns: int) -> Iterable[Witnessed]:
        """Do the same as ``read`` if the interval has passed, otherwise return nothing."""
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
        """Return the pid of a process, also if it has ended; 0 if it is none of ours."""
        process = self._known(os_pid)
        if process is not None:
            self._pids[os_pid] = process.pid
        return self._pids.get(os_pid, 0)

    def close(self) -> None:
        for ring in self._rings:
            ring.close()
        self._rings.clear()
