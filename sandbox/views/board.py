"""Events → who is where: the live view, a replay, a step back and a test all fold the same way."""

from __future__ import annotations

from collections import deque
from copy import copy

from sandbox.model import states
from sandbox.model.events import (
    Admitted,
    Became,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    Described,
    Dispatched,
    Event,
    Exited,
    Fault,
    Halted,
    Operator,
    Queues,
    Ready,
    Scheduling,
    Wrote,
)
from sandbox.model.states import State, move
from sandbox.views.console import ConsoleText
from sandbox.views.network import SOCKET_EVENTS, Network
from sandbox.views.transitions import Transitions

#: So many events are kept to explain the present with.
_RECENT = 40


class Row:
    """One process on the board. Times in ns."""

    __slots__ = (
        "_output",
        "_output_is_shared",
        "admitted",
        "console",
        "cpu",
        "cpu_ns",
        "exited",
        "name",
        "os_pid",
        "pid",
        "since_ns",
        "slice_ns",
        "state",
        "waits",
    )

    def __init__(self, admitted: Admitted, console: int) -> None:
        self.admitted = admitted
        #: The pid of the process whose console it has: its own, or that of who was started with it.
        self.console = console
        self.pid = admitted.pid
        self.os_pid = admitted.os_pid
        self.name = admitted.name
        self.state = states.NEW
        self.since_ns = admitted.t_ns
        self.cpu: int | None = None
        self.cpu_ns = 0
        self.slice_ns: int | None = None
        #: What it waits for, or waited for last.
        self.waits: Blocked | None = None
        self.exited: Exited | None = None
        self._output = ConsoleText()
        self._output_is_shared = False

    @property
    def on(self) -> Clause | None:
        """On what it is blocked, or was last."""
        return None if self.waits is None else self.waits.on

    @property
    def output(self) -> ConsoleText:
        """What it has written; grows by ``write`` only."""
        return self._output

    def copy(self) -> Row:
        """A row of its own; the output is copied only once somebody writes."""
        self._output_is_shared = True
        return copy(self)

    def write(self, text: str) -> None:
        """Take in what it writes."""
        if self._output_is_shared:
            self._output, self._output_is_shared = self._output.copy(), False
        self._output.write(text)


class Board:
    """Where every process is, and what explains it."""

    def __init__(self) -> None:
        self.booted: Booted | None = None
        self.halted: Halted | None = None
        self.now_ns = 0
        self.paused = False
        #: The CPU for which it has been asked who will get it, while nobody knows.
        self.asked: int | None = None
        self.policy = ""
        self.parameters: dict[str, object] = {}
        #: The policy's own queues, when somebody looked last.
        self.queues: Queues | None = None
        #: The policy in force, if anybody has asked since it took over.
        self.described: Described | None = None
        #: What went wrong last in a policy's own file, until the operator has another one take over.
        self.failure: Fault | None = None
        self.rows: dict[int, Row] = {}
        self.network = Network()
        self.transitions = Transitions()
        #: Pids by state: READY in queue order, RUNNING by CPU, the others in the order in which they came.
        self.ready: deque[int] = deque()
        self.running: dict[int, int] = {}
        self.blocked: dict[int, None] = {}
        self.exited: dict[int, None] = {}
        #: The last decision and what led to it, newest last.
        self.recent: deque[Event] = deque(maxlen=_RECENT)

    @property
    def all_ended(self) -> bool:
        """Whether there were processes, and all have ended."""
        return bool(self.rows) and len(self.exited) == len(self.rows)

    def apply(self, event: Event) -> None:
        """Fold the next event in. Raises IllegalTransition if it cannot have happened."""
        self.now_ns = event.t_ns
        self.network.apply(event)
        if isinstance(event, SOCKET_EVENTS):
            return
        match event:
            case Wrote(pid=pid, text=text):
                self.rows[pid].write(text)
                return
            case Queues():
                self.queues = event
                return
            case Described():
                self.described = event
                return
            case Admitted():
                parent = self.rows.get(event.parent or 0)
                self.rows[event.pid] = Row(event, event.pid if parent is None else parent.console)
            case Became(pid=pid, name=name):
                row = self.rows[pid]
                row.admitted, row.name = event.after(row.admitted), name
            case Ready(pid=pid):
                self._enter(pid, states.READY)
                if event.reason == "preempted":
                    self.ready.appendleft(pid)
                else:
                    self.ready.append(pid)
            case Dispatched(pid=pid, cpu=cpu):
                row = self._enter(pid, states.RUNNING)
                row.cpu, row.slice_ns = cpu, event.slice_ns
                self.running[cpu] = pid
            case Descheduled(pid=pid):
                self.rows[pid].cpu_ns += event.ran_ns
            case Blocked(pid=pid, again=True):
                self.rows[pid].waits = event
            case Blocked(pid=pid):
                row = self._enter(pid, states.BLOCKED)
                row.waits = event
                self.blocked[pid] = None
            case Exited(pid=pid):
                row = self._enter(pid, states.EXITED)
                row.exited, row.cpu_ns = event, event.cpu_ns
                self.exited[pid] = None
            case _:
                self._apply_of_machine(event)
        self.transitions.apply(event)
        self.recent.append(event)

    def _apply_of_machine(self, event: Event) -> None:
        """What concerns the machine and its policy, not a single process."""
        match event:
            case Operator():
                if event.is_pause or event.goes_on:
                    self.paused, self.asked = event.is_pause, event.asks_cpu
                elif event.takes_other_policy:
                    self.failure = None
            case Fault():
                if event.in_file:
                    self.failure = event
            case Booted():
                self.booted = event
                self.policy, self.parameters = event.policy, event.parameters
            case Scheduling():
                self.policy, self.parameters = event.policy, event.parameters
                self.described = None
            case Halted():
                self.halted = event

    def copy(self) -> Board:
        """A board of its own."""
        board = copy(self)
        board.rows = {pid: row.copy() for pid, row in self.rows.items()}
        board.ready, board.running = self.ready.copy(), self.running.copy()
        board.blocked, board.exited = self.blocked.copy(), self.exited.copy()
        board.recent = self.recent.copy()
        board.network, board.transitions = self.network.copy(), self.transitions.copy()
        return board

    def _enter(self, pid: int, state: State) -> Row:
        row = self.rows[pid]
        match row.state:
            case states.READY:
                self.ready.remove(pid)
            case states.RUNNING:
                del self.running[row.cpu or 0]
            case states.BLOCKED:
                del self.blocked[pid]
        move(row, state)
        row.since_ns = self.now_ns
        return row
