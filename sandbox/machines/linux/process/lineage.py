"""What the system's records tell of whole lives: who forked whom, what each became, how long it had a CPU, its end.

So a process that was born and died between two looks is known all the same. It is told each record in the order in
which the system wrote them, and asks the system nothing itself. Times are of CLOCK_MONOTONIC, in ns; processes and
threads go by the system's numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: Of how many processes that have ended the CPU time is kept until somebody asks: it is asked for soon.
_MAX_ENDED = 4_096
#: From its last record until it is taken to pieces a process uses the CPU without a word; at first we take that to be
#: so much. As long as the time until the next one comes onto the CPU is less than so many times the usual, or than this
#: part of what the process used before (it had that much more memory to give back), all of it counts.
_USUAL_TAIL_NS = 80_000
_MAX_TAIL_FACTOR, _MAX_TAIL_PART = 3, 20


class Birth(NamedTuple):
    """A process was forked by ``parent``. ``name``: what it is called by now ("": what its parent was)."""

    os_pid: int
    parent: int
    t_ns: int
    name: str


class Death(NamedTuple):
    """A process has ended, having used so much CPU time."""

    t_ns: int
    cpu_ns: int


class Lineage:
    """Folds the records of ``cpus`` mini CPUs."""

    def __init__(self, cpus: int) -> None:
        #: Forked, and not told of yet.
        self._births: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        #: Processes with a new name, not told of yet.
        self._renamed: set[int] = set()
        #: Since when each thread has its CPU, and how long the threads of each process had one.
        self._since_ns: dict[int, int] = {}
        self._used_ns: Counter[int] = Counter()
        #: Living threads of a process beyond one. With a key here, even of 0, the record of one thread is no proof for
        #: its process. And those whose first thread has ended before others.
        self._threads: Counter[int] = Counter()
        self._headless: set[int] = set()
        self._deaths: dict[int, Death] = {}
        #: On each CPU the process that ended there last and still has it, as far as is known.
        self._dying: list[int | None] = [None] * cpus
        self._usual_tail_ns = _USUAL_TAIL_NS
        #: Whether no record is missing.
        self.whole = True

    # Records

    def came_on(self, cpu: int, thread: int, t_ns: int) -> None:
        """A thread came onto a CPU; whoever ended there is off it."""
        self._since_ns[thread] = t_ns
        dying = self._dying[cpu]
        if dying is not None:
            self._dying[cpu] = None
            self._note_tail(dying, t_ns)

    def went_off(self, os_pid: int, thread: int, t_ns: int) -> None:
        """A thread left its CPU."""
        self._used_ns[os_pid] += t_ns - self._since_ns.pop(thread, t_ns)

    def forked(self, os_pid: int, parent: int, t_ns: int) -> None:
        """A process was. Its number may have been another one's."""
        self._forget_threads(os_pid)
        del self._used_ns[os_pid]
        self._deaths.pop(os_pid, None)
        self._names.pop(os_pid, None)
        self._births[os_pid] = parent, t_ns
        name = self._names.get(parent)
        if name is not None:
            self._names[os_pid] = name

    def began_thread(self, os_pid: int) -> None:
        """A process has one thread more."""
        self._threads[os_pid] += 1

    def became(self, os_pid: int, name: str) -> None:
        """A process is another program now, and has one thread."""
        self._forget_threads(os_pid)
        self.named(os_pid, os_pid, name)

    def named(self, os_pid: int, thread: int, name: str) -> None:
        """A thread is called so now; the first one's name is that of its process."""
        if thread == os_pid and self._names.get(os_pid) != name:
            self._names[os_pid] = name
            self._renamed.add(os_pid)

    def ended(self, cpu: int, os_pid: int, thread: int, t_ns: int) -> None:
        """A thread did; with its last one a process ends, which need not be the first one."""
        self.went_off(os_pid, thread, t_ns)
        others = self._threads.get(os_pid, 0)
        if others:
            self._threads[os_pid] = others - 1
            if thread == os_pid:
                self._headless.add(os_pid)
            elif others == 1 and os_pid not in self._headless:
                del self._threads[os_pid]
        elif thread == os_pid or os_pid in self._headless:  # else one that is not known to have begun
            self._end(cpu, os_pid, t_ns)

    def _end(self, cpu: int, os_pid: int, t_ns: int) -> None:
        self._forget_threads(os_pid)
        self._deaths[os_pid] = Death(t_ns, self._used_ns.pop(os_pid, 0))
        self._dying[cpu] = os_pid
        if len(self._deaths) > _MAX_ENDED:
            self._forget(next(iter(self._deaths)))

    def lost(self) -> None:
        """Records are missing."""
        self.whole = False

    # Answers

    @property
    def has_news(self) -> bool:
        """Whether there are births or new names to be told of."""
        return bool(self._births or self._renamed)

    @property
    def has_births(self) -> bool:
        return bool(self._births)

    def births(self) -> Iterable[Birth]:
        """The processes that were forked since the last time, in order."""
        births, self._births = self._births, {}
        return [Birth(os_pid, *of, self._names.get(os_pid, "")) for os_pid, of in births.items()]

    def renamed(self) -> Iterable[int]:
        """The processes with a new name since the last time."""
        renamed, self._renamed = self._renamed, set()
        return renamed

    def name(self, os_pid: int) -> str:
        """What a process is called; "": it has had no new name since it was forked by one of which the same is true."""
        return self._names.get(os_pid, "")

    def is_proof(self, os_pid: int) -> bool:
        """Whether what is recorded of one thread holds for the whole process."""
        return os_pid not in self._threads

    def death(self, os_pid: int) -> Death | None:
        """How a process ended; None: by the records it lives. What it used to be taken to pieces counts, too."""
        death = self._deaths.get(os_pid)
        if death is None or os_pid not in self._dying:
            return death
        return death._replace(cpu_ns=death.cpu_ns + self._usual_tail_ns)

    def forget(self, os_pid: int) -> None:
        """Nobody will ask for this one any more."""
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
        """The next one is on the CPU of a process that has ended. That used it until then, unless so much later that
        it must have been somebody else, or nobody."""
        death = self._deaths.get(os_pid)
        if death is None:
            return
        tail_ns, usual_ns = t_ns - death.t_ns, self._usual_tail_ns
        self._usual_tail_ns += usual_ns // 64 if tail_ns > usual_ns else -3 * usual_ns // 64
        if tail_ns > max(usual_ns * _MAX_TAIL_FACTOR, death.cpu_ns // _MAX_TAIL_PART):
            tail_ns = usual_ns
        self._deaths[os_pid] = Death(death.t_ns, death.cpu_ns + tail_ns)
