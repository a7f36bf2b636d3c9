"""One run as the terminal's side knows it: the board, its history, and the link to the kernel process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from sandbox.board import Board
from sandbox.commands import Command
from sandbox.events import AnyEvent, Descheduled, Dispatched, Event
from sandbox.history import History
from sandbox.spec import Scenario
from sandbox.units import S

#: Enough for the widest timeline at the shortest slice; totals do not depend on it.
_STRETCHES_MOST = 6_000
_WINDOW_NS = 1 * S


class Link(Protocol):
    """What a session needs of the kernel process (tests give it a script instead)."""

    closed: bool
    halted: bool

    def fileno(self) -> int: ...
    def send(self, command: Command) -> None: ...
    def beat(self) -> None: ...
    def receive(self) -> list[AnyEvent]: ...
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
        self._start = start
        self.board = Board()
        self.history = History(_STRETCHES_MOST)
        self._clock = clock
        self._heard_ns = clock()
        #: When each slice of the last second began and ended, by CPU, to tell the utilisation.
        self._busy: deque[tuple[int, int]] = deque()
        self._since: dict[int, int] = {}

    def begin(self) -> Link:
        """Start the kernel process."""
        self.link = self._start(self.scenario)
        return self.link

    def again(self, scenario: Scenario | None = None) -> Session:
        """A new session, of another scenario or of the same."""
        return Session(scenario or self.scenario, self._start, self._clock)

    def send(self, command: Command) -> None:
        """Ask the machine for something; nothing happens while there is none."""
        if self.link is not None and not self.link.closed:
            self.link.send(command)

    def end(self) -> None:
        """End the machine."""
        if self.link is not None:
            self.link.end()

    @property
    def died(self) -> bool:
        """Whether the kernel process is gone without having halted."""
        return self.link is not None and self.link.closed and not self.link.halted

    def take(self, events: Iterable[Event]) -> None:
        """Fold in what came up the link."""
        for event in events:
            self.board.apply(event)
            self.history.add(event)
            match event:
                case Dispatched(cpu=cpu, t_ns=t_ns):
                    self._since[cpu] = t_ns
                case Descheduled(cpu=cpu, t_ns=t_ns):
                    self._busy.append((self._since.pop(cpu, t_ns), t_ns))
            self._heard_ns = self._clock()

    @property
    def moving(self) -> bool:
        """Whether the machine's clock goes on."""
        board = self.board
        return not board.paused and board.halted is None and len(board.exited) < len(board.rows)

    @property
    def now_ns(self) -> int:
        """The machine's time, as far as can be told here."""
        if not self.moving or self.link is None or self.link.closed:
            return self.board.now_ns
        return self.board.now_ns + self._clock() - self._heard_ns

    def utilisation(self) -> float:
        """The share of the last second in which the CPUs had a process, 0 … 1."""
        now_ns = self.now_ns
        from_ns = max(now_ns - _WINDOW_NS, 0)
        while self._busy and self._busy[0][1] < from_ns:
            self._busy.popleft()
        busy_ns = sum(end - max(start, from_ns) for start, end in self._busy)
        busy_ns += sum(now_ns - max(start, from_ns) for start in self._since.values())
        cpus = self.board.booted.cpus if self.board.booted else 1
        return min(busy_ns / max((now_ns - from_ns) * cpus, 1), 1.0)

    def cpu_ns(self, pid: int) -> int:
        """CPU time used by a process so far, what it has run of its present slice included."""
        row = self.board.rows[pid]
        if row.cpu is not None and self.board.running.get(row.cpu) == pid:
            return row.cpu_ns + self.now_ns - row.since_ns
        return row.cpu_ns

    def name(self, pid: int) -> str:
        """A process's name."""
        return self.board.rows[pid].name

    @property
    def names(self) -> dict[int, str]:
        """Every process's name."""
        return {pid: row.name for pid, row in self.board.rows.items()}
