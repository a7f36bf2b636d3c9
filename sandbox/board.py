"""Events → who is where: the live view, a replay, a step back and a test all fold the same way."""

from __future__ import annotations

from collections import deque
from copy import copy

from sandbox.events import (
    Admitted,
    Became,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Halted,
    Operator,
    Queues,
    Ready,
    Scheduling,
    Wrote,
)
from sandbox.kernel.states import State, move

#: How much of each process's output is kept, and how many events to explain the present with.
OUTPUT_LINES = 500
_RECENT = 40
_LINE_MOST = 2_000


class Row:
    """One process on the board. Times in ns."""

    __slots__ = (
        "_output_is_shared",
        "admitted",
        "cpu",
        "cpu_ns",
        "exited",
        "name",
        "on",
        "os_pid",
        "output",
        "pid",
        "since_ns",
        "slice_ns",
        "state",
    )

    def __init__(self, admitted: Admitted) -> None:
        self.admitted = admitted
        self.pid = admitted.pid
        self.os_pid = admitted.os_pid
        self.name = admitted.name
        self.state = State.NEW
        self.since_ns = admitted.t_ns
        self.cpu: int | None = None
        self.cpu_ns = 0
        self.slice_ns: int | None = None
        self.on: Clause | None = None
        self.exited: Exited | None = None
        self.output: deque[str] = deque([""], maxlen=OUTPUT_LINES)
        self._output_is_shared = False

    def copy(self) -> Row:
        """A row of its own; the output is copied only once somebody writes."""
        self._output_is_shared = True
        return copy(self)

    def write(self, text: str) -> None:
        """Append output; the last line may still grow."""
        if self._output_is_shared:
            self.output, self._output_is_shared = self.output.copy(), False
        first, *more = text.split("\n")
        self.output[-1] = (self.output[-1] + first)[:_LINE_MOST]
        self.output.extend(line[:_LINE_MOST] for line in more)


class Board:
    """Where every process is, and what explains it."""

    def __init__(self) -> None:
        self.booted: Booted | None = None
        self.halted: Halted | None = None
        self.now_ns = 0
        self.paused = False
        self.policy = ""
        self.parameters: dict[str, object] = {}
        #: The policy's own queues, when somebody looked last.
        self.queues: Queues | None = None
        self.rows: dict[int, Row] = {}
        #: Pids by state: READY in queue order, RUNNING by CPU, the others in the order in which they came.
        self.ready: deque[int] = deque()
        self.running: dict[int, int] = {}
        self.blocked: dict[int, None] = {}
        self.exited: dict[int, None] = {}
        #: The last decision and what led to it, newest last.
        self.recent: deque[Event] = deque(maxlen=_RECENT)

    def apply(self, event: Event) -> None:
        """Fold the next event in. Raises IllegalTransition if it cannot have happened."""
        self.now_ns = event.t_ns
        match event:
            case Wrote(pid=pid, text=text):
                self.rows[pid].write(text)
                return
            case Queues():
                self.queues = event
                return
            case Admitted():
                self.rows[event.pid] = Row(event)
            case Became(pid=pid, name=name):
                row = self.rows[pid]
                row.admitted, row.name = event.after(row.admitted), name
            case Ready(pid=pid):
                self._enter(pid, State.READY)
                if event.reason == "preempted":
                    self.ready.appendleft(pid)
                else:
                    self.ready.append(pid)
            case Dispatched(pid=pid, cpu=cpu):
                row = self._enter(pid, State.RUNNING)
                row.cpu, row.slice_ns = cpu, event.slice_ns
                self.running[cpu] = pid
            case Descheduled(pid=pid):
                self.rows[pid].cpu_ns += event.ran_ns
            case Blocked(pid=pid, again=True):
                self.rows[pid].on = event.on
            case Blocked(pid=pid):
                row = self._enter(pid, State.BLOCKED)
                row.on = event.on
                self.blocked[pid] = None
            case Exited(pid=pid):
                row = self._enter(pid, State.EXITED)
                row.exited, row.cpu_ns = event, event.cpu_ns
                self.exited[pid] = None
            case Operator(did=did):
                if did.rule in ("paused", "resumed", "stepped"):
                    self.paused = did.rule == "paused"
            case Booted():
                self.booted = event
                self.policy, self.parameters = event.policy, event.parameters
            case Scheduling():
                self.policy, self.parameters = event.policy, event.parameters
            case Halted():
                self.halted = event
        self.recent.append(event)

    def copy(self) -> Board:
        """A board of its own."""
        board = copy(self)
        board.rows = {pid: row.copy() for pid, row in self.rows.items()}
        board.ready, board.running = self.ready.copy(), self.running.copy()
        board.blocked, board.exited = self.blocked.copy(), self.exited.copy()
        board.recent = self.recent.copy()
        return board

    def _enter(self, pid: int, state: State) -> Row:
        row = self.rows[pid]
        match row.state:
            case State.READY:
                self.ready.remove(pid)
            case State.RUNNING:
                del self.running[row.cpu or 0]
            case State.BLOCKED:
                del self.blocked[pid]
        move(row, state)
        row.since_ns = self.now_ns
        return row
