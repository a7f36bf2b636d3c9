"""The lives of processes by the system's records: forks, names, CPU time and ends.

So a process that was born and has ended between two scans is known all the same. ``Lineage`` is passed each record in
the order in which the system wrote them, and makes no system calls. Times are of CLOCK_MONOTONIC, in ns; processes and
threads are given by the system's numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: For how many ended processes the CPU time is kept. It is asked for soon after the end.
_MAX_ENDED = 4_096
#: A process uses the CPU after its last record, while it is torn down. The first estimate of that time is
#: _USUAL_TAIL_NS. The time until the next thread comes onto the CPU counts in full while it is below _MAX_TAIL_FACTOR
#: times the usual, or below this part (one in _MAX_TAIL_PART) of the CPU time of the process (which may have had much
#: memory to free).
_USUAL_TAIL_NS = 80_000
_MAX_TAIL_FACTOR, _MAX_TAIL_PART = 3, 20


class Birth(NamedTuple):
    """A process was forked by ``parent``. ``name``: its present name ("": still that of its parent)."""

    os_pid: int
    parent: int
    t_ns: int
    name: str


class Death(NamedTuple):
    """A process has ended. ``cpu_ns``: the CPU time that it has used."""

    t_ns: int
    cpu_ns: int


class Lineage:
    """Derives the lives of processes from the records of ``cpus`` mini CPUs."""

    def __init__(self, cpus: int) -> None:
        #: Parent and time of each fork that was not reported yet.
        self._births: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        #: Processes with a new name that was not reported yet.
        self._renamed: set[int] = set()
        #: Since when each thread has its CPU, and how long the threads of each process had one in total.
        self._since_ns: dict[int, int] = {}
        self._used_ns: Counter[int] = Counter()
        #: The number of living threads of a process beyond the first. While a process has a key here, even with the
        #: value 0, a record of one thread proves nothing about the process. Then: processes whose first thread has
        #: ended before others.
        self._threads: Counter[int] = Counter()
        self._headless: set[int] = set()
        self._deaths: dict[int, Death] = {}
        #: For each CPU, the process that ended there last and still has it, as far as is known.
        self._dying: list[int | None] = [None] * cpus
        self._usual_tail_ns = _USUAL_TAIL_NS
        #: Whether no record was lost.
        self.whole = True

    # Records

    def came_on(self, cpu: int, thread: int, t_ns: int) -> None:
        """Note that a thread came onto a CPU. A process that has ended there is off it from now on."""
        self._since_ns[thread] = t_ns
        dying = self._dying[cpu]
        if dying is not None:
            self._dying[cpu] = None
            self._note_tail(dying, t_ns)

    def went_off(self, os_pid: int, thread: int, t_ns: int) -> None:
        """Note that a thread left its CPU."""
        self._used_ns[os_pid] += t_ns - self._since_ns.pop(thread, t_ns)

    def forked(self, os_pid: int, parent: int, t_ns: int) -> None:
        """Note that a process was forked. Its number may have belonged to another process before."""
        self._forget_threads(os_pid)
        del self._used_ns[os_pid]
        self._deaths.pop(os_pid, None)
        self._names.pop(os_pid, None)
        self._births[os_pid] = parent, t_ns
        name = self._names.get(parent)
        if name is not None:
            self._names[os_pid] = name

    def began_thread(self, os_pid: int) -> None:
        """Note that a process has one more thread."""
        self._threads[os_pid] += 1

    def became(self, os_pid: int, name: str) -> None:
        """Note that a process has executed another program, and so has one thread."""
        self._forget_threads(os_pid)
        self.named(os_pid, os_pid, name)

    def named(self, os_pid: int, thread: int, name: str) -> None:
        """Note the new name of a thread. The name of the first thread is that of its process."""
        if thread == os_pid and self._names.get(os_pid) != name:
            self._names[os_pid] = name
            self._renamed.add(os_pid)

    def ended(self, cpu: int, os_pid: int, thread: int, t_ns: int) -> None:
        """Note that a thread has ended. With the last thread, which need not be the first one, the process ends."""
        self.went_off(os_pid, thread, t_ns)
        others = self._threads.get(os_pid, 0)
        if others:
            self._threads[os_pid] = others - 1
            if thread == os_pid:
                self._headless.add(os_pid)
            elif others == 1 and os_pid not in self._headless:
                del self._threads[os_pid]
        elif thread == os_pid or os_pid in self._headless:  # otherwise the start of this thread was not recorded
            self._end(cpu, os_pid, t_ns)

    def _end(self, cpu: int, os_pid: int, t_ns: int) -> None:
        self._forget_threads(os_pid)
        self._deaths[os_pid] = Death(t_ns, self._used_ns.pop(os_pid, 0))
        self._dying[cpu] = os_pid
        if len(self._deaths) > _MAX_ENDED:
            self._forget(next(iter(self._deaths)))

    def lost(self) -> None:
        """Note that records are missing."""
        self.whole = False

    # Answers

    @property
    def has_news(self) -> bool:
        """Whether there are births or new names to report."""
        return bool(self._births or self._renamed)

    @property
    def has_births(self) -> bool:
        return bool(self._births)

    def births(self) -> Iterable[Birth]:
        """Return the processes that were forked since the last call, in order."""
        births, self._births = self._births, {}
        return [Birth(os_pid, *of, self._names.get(os_pid, "")) for os_pid, of in births.items()]

    def renamed(self) -> Iterable[int]:
        """Return the processes whose names have changed since the last call."""
        renamed, self._renamed = self._renamed, set()
        return renamed

    def name(self, os_pid: int) -> str:
        """Return the name of a process; "" if neither it nor its ancestors have changed their names since the first
        record."""
        return self._names.get(os_pid, "")

    def is_proof(self, os_pid: int) -> bool:
        """Whether a record of one thread holds for the whole process, because it has only one."""
        return os_pid not in self._threads

    def death(self, os_pid: int) -> Death | None:
        """Return how a process has ended, including the estimated CPU time of its tear-down; None if it lives by the
        records."""
        death = self._deaths.get(os_pid)
        if death is None or os_pid not in self._dying:
            return death
        return death._replace(cpu_ns=death.cpu_ns + self._usual_tail_ns)

    def forget(self, os_pid: int) -> None:
        """Forget the end of a process, which will not be asked for again."""
        if os_pid in self._deaths:
            self._forget(os_pid)

    def _forget(self, os_pid: int) -> None:
        del self._deaths[os_pid]
        self._names.pop(os_pid, None)
        self._dying = [None if dying == os_pid else dying for dying in self._dying]

    def _forget_threads(self, os_pid: int) -> None:
        del self._threads[os_pid]
        self._headless.discard(os_pid)

    def _note_tail(self, os_pid: int, t_ns: int) -> None:
        """Add the tear-down time of an ended process, now that the next thread is on its CPU. If that came so late that
        the CPU must have been idle or used by another program in between, the usual time is added."""
        death = self._deaths.get(os_pid)
        if death is None:
            return
        tail_ns, usual_ns = t_ns - death.t_ns, self._usual_tail_ns
        self._usual_tail_ns += usual_ns // 64 if tail_ns > usual_ns else -3 * usual_ns // 64
        if tail_ns > max(usual_ns * _MAX_TAIL_FACTOR, death.cpu_ns // _MAX_TAIL_PART):
            tail_ns = usual_ns
        self._deaths[os_pid] = Death(death.t_ns, death.cpu_ns + tail_ns)
