"""One run as the terminal's side knows it: the board, its history, and the link to the kernel process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from sandbox.board import Board
from sandbox.commands import Command
from sandbox.events import Admitted, AnyEvent, Became, Booted, Descheduled, Dispatched, Event, Fault, Operator
from sandbox.history import History
from sandbox.lanes import Turn
from sandbox.lessons.story import Story
from sandbox.spec import Scenario
from sandbox.units import MS, S

#: Enough for the widest timeline at the shortest slice; totals do not depend on it.
_STRETCHES_MOST = 6_000
#: The load is that of the last second, and read anew so often: more often nobody can read it.
_WINDOW_NS = 1 * S
_LOAD_EVERY_NS = 200 * MS
#: An event that came later than this was not late: the machine's clock stood still in the meantime.
_LATE_NS = 100 * MS


class Link(Protocol):
    """What a session needs of the kernel process (tests give it a script instead)."""

    closed: bool
    halted: bool

    def fileno(self) -> int: ...
    def send(self, command: Command) -> None: ...
    def beat(self) -> None: ...
    def receive(self) -> Sequence[AnyEvent]: ...
    def last_words(self) -> str: ...
    def end(self) -> None: ...


class Session:
    """A scenario that runs, once it has begun. ``start`` starts its kernel process; ``clock``: nanoseconds that
    go on by themselves, to move bars between events."""

    def __init__(
        self, scenario: Scenario, start: Callable[[Scenario], Link], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.scenario = scenario
        self.link: Link | None = None
        self.clock = clock
        self.board = Board()
        self.history = History(_STRETCHES_MOST)
        self.story = Story(steps=[step.until for step in scenario.steps])
        #: Every process's name, by pid, in order of birth.
        self.names: dict[int, str] = {}
        #: Each CPU's latest turns.
        self.turns: dict[int, deque[Turn]] = {}
        #: The quantum that the operator has asked for and that is not in force yet, and the one that was when he did.
        self.quantum_asked: tuple[int, int] | None = None
        self._start = start
        #: When, by our clock, the machine's clock stood at 0; None until that is known.
        self._zero_ns: int | None = None
        #: Processes of the scenario that have not arrived yet, by name.
        self._missing = {process.name for process in scenario.processes}
        self._load = 0.0
        self._load_ns = -_LOAD_EVERY_NS

    def begin(self) -> Link:
        """Start the kernel process."""
        self.link = self._start(self.scenario)
        return self.link

    def again(self, scenario: Scenario | None = None) -> Session:
        """A new session, of another scenario or of the same."""
        return Session(scenario or self.scenario, self._start, self.clock)

    def send(self, command: Command) -> bool:
        """Ask the machine for something; False when there is none to ask."""
        if self.link is None or self.link.closed:
            return False
        self.link.send(command)
        return True

    def end(self) -> None:
        """End the machine."""
        if self.link is not None:
            self.link.end()

    def take(self, events: Sequence[Event], fresh: bool = True) -> None:
        """Fold in what came up the link. ``fresh``: the last of it has come just now."""
        for event in events:
            self.board.apply(event)
            self.history.add(event)
            self.story.add(event)
            match event:
                case Dispatched(cpu=cpu, pid=pid, t_ns=t_ns):
                    self.turns.setdefault(cpu, deque(maxlen=_STRETCHES_MOST)).append(Turn(pid, t_ns))
                case Descheduled(cpu=cpu, t_ns=t_ns):
                    self.turns[cpu][-1].end_ns = t_ns
                case Admitted(pid=pid, name=name, order=order):
                    self.names[pid] = name
                    if order is not None:
                        self._missing.discard(name)
                case Became(pid=pid, name=name):
                    self.names[pid] = name
                case Fault(pid=None, what=what):
                    self._missing.discard(str(what.figures.get("name")))  # it will not come any more
                case Booted():
                    self._zero_ns = None  # the clock starts when all are born
                case Operator(did=did) if did.rule in ("resumed", "stepped"):
                    self._zero_ns = None
        if events:
            self._set_clock(events[-1], fresh)

    def _set_clock(self, event: Event, fresh: bool) -> None:
        """What the event's time tells of the machine's clock. The one that travelled fastest tells most."""
        if isinstance(event, Booted) or self.board.paused:
            return
        zero_ns = self.clock() - event.t_ns
        if self._zero_ns is None or zero_ns < self._zero_ns or (fresh and zero_ns > self._zero_ns + _LATE_NS):
            self._zero_ns = zero_ns

    # Where the run stands

    @property
    def died(self) -> bool:
        """Whether the kernel process is gone without having halted."""
        return self.link is not None and self.link.closed and not self.link.halted

    @property
    def _over(self) -> bool:
        return self.board.booted is None or self.board.halted is not None or self.link is None or self.link.closed

    @property
    def empty(self) -> bool:
        """Whether the machine is up, and there is no process and none to come."""
        return not self._over and not self.board.rows and not self._missing

    @property
    def finished(self) -> bool:
        """Whether there were processes, all have ended, and none is to come."""
        board = self.board
        return bool(board.rows) and len(board.exited) == len(board.rows) and not self._missing

    @property
    def moving(self) -> bool:
        """Whether the machine's clock goes on."""
        return not (self._over or self.board.paused or self.finished or self.empty)

    @property
    def now_ns(self) -> int:
        """The machine's time, as far as can be told here."""
        if not self.moving or self._zero_ns is None:
            return self.board.now_ns
        return max(self.clock() - self._zero_ns, self.board.now_ns)

    def utilisation(self) -> float:
        """The share of the last second in which the CPUs had a process, 0 … 1."""
        if self.finished or self.empty:
            return 0.0
        now_ns = self.now_ns
        if now_ns - self._load_ns >= _LOAD_EVERY_NS or not self.moving:
            self._load_ns = now_ns
            self._load = self._utilisation(now_ns)
        return self._load

    def _utilisation(self, now_ns: int) -> float:
        from_ns = max(now_ns - _WINDOW_NS, 0)
        busy_ns = 0
        for turns in self.turns.values():
            for turn in reversed(turns):
                end_ns = now_ns if turn.end_ns is None else turn.end_ns
                if end_ns <= from_ns:
                    break
                busy_ns += end_ns - max(turn.start_ns, from_ns)
        cpus = self.board.booted.cpus if self.board.booted else 1
        return min(busy_ns / max((now_ns - from_ns) * cpus, 1), 1.0)

    def cpu_ns(self, pid: int) -> int:
        """CPU time used by a process so far, what it has run of its present slice included."""
        row = self.board.rows[pid]
        if row.cpu is not None and self.board.running.get(row.cpu) == pid:
            return row.cpu_ns + self.now_ns - row.since_ns
        return row.cpu_ns
