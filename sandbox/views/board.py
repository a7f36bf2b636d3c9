"""Events → who is where: the live view, a replay, a step back and a test all fold the same way."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import copy

from msgspec.structs import replace

from sandbox.model import states
from sandbox.model.commands import TERMINAL_SIZE
from sandbox.model.events import (
    Admitted,
    Adopted,
    Became,
    Blocked,
    Booted,
    Clause,
    Deadlocked,
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
    Reaped,
    Resolved,
    Scheduling,
    Stepped,
    Terminal,
    Waits,
    Wrote,
    Zombie,
)
from sandbox.model.retirement import Dead, heirs
from sandbox.model.states import State, move
from sandbox.views.console import ConsoleText
from sandbox.views.network import SOCKET_EVENTS, Network
from sandbox.views.program import Program
from sandbox.views.tape import Size, Tape, sent
from sandbox.views.transitions import Transitions

#: So many events are kept to explain the present with.
_RECENT = 40


class Row:
    """One process on the board. Times in ns."""

    __slots__ = (
        "_output",
        "_output_is_shared",
        "_tape",
        "admitted",
        "adopted",
        "children",
        "console",
        "cpu",
        "cpu_ns",
        "exited",
        "name",
        "ordinal",
        "os_pid",
        "pid",
        "since_ns",
        "slice_ns",
        "state",
        "terminal",
        "waits",
        "waits_for",
        "zombie_of",
    )

    def __init__(self, admitted: Admitted, parent: Row | None) -> None:
        self.admitted = admitted
        #: How many children it has had; which of its parent's it is itself, as long as that one is remembered.
        self.children = 0
        self.ordinal: int | None = None
        #: The pid of the process whose console it has: its own, or that of who was started with it.
        self.console = admitted.pid
        if parent is not None:
            parent.children += 1
            self.ordinal, self.console = parent.children, parent.console
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
        #: For whom, as far as that is known; None: it does not wait for others.
        self.waits_for: Waits | None = None
        self.exited: Exited | None = None
        #: Of one that has ended: who has not asked for it yet; of one whose parent has: who is its parent now.
        self.zombie_of: int | None = None
        self.adopted: Adopted | None = None
        #: How its console is set.
        self.terminal = Terminal(admitted.t_ns, admitted.pid, *TERMINAL_SIZE)
        self._output = ConsoleText()
        self._tape: Tape | None = None
        self._output_is_shared = False

    @property
    def on(self) -> Clause | None:
        """On what it is blocked, or was last."""
        return None if self.waits is None else self.waits.on

    @property
    def output(self) -> ConsoleText:
        """What it has written; grows by ``write`` only."""
        return self._output

    @property
    def tape(self) -> Tape | None:
        """What its terminal was sent, if that was ever more than lines, or keys are read there one by one: then only a
        terminal can show it."""
        return self._tape

    def note_family(self, event: Zombie | Reaped | Adopted) -> None:
        """What becomes of it after an end, its own or its parent's."""
        if isinstance(event, Adopted):
            self.adopted = event
        else:
            self.zombie_of = event.parent if isinstance(event, Zombie) else None

    def copy(self) -> Row:
        """A row of its own; the output is copied only once somebody writes."""
        self._output_is_shared = True
        return copy(self)

    def use_console(self, event: Wrote | Terminal) -> None:
        """Take in what it writes, or how its terminal is set from now on."""
        if isinstance(event, Terminal):
            self._set_terminal(event)
        else:
            self._write(event)

    def _write(self, event: Wrote) -> None:
        self._own_output()
        if event.raw is not None:
            self._need_tape()
        if self._tape is not None:
            self._tape.write(sent(event))
        self._output.write(event.text)

    def _set_terminal(self, event: Terminal) -> None:
        before, self.terminal = self.terminal, event
        self._own_output()
        if self._tape is not None and (before.rows, before.columns) != (event.rows, event.columns):
            self._tape.resize(Size(event.rows, event.columns))
        if not event.canonical:
            self._need_tape()

    def _need_tape(self) -> None:
        if self._tape is None:
            self._tape = Tape(Size(self.terminal.rows, self.terminal.columns))
            self._tape.write(self._output.as_sent())

    def _own_output(self) -> None:
        if self._output_is_shared:
            self._output, self._output_is_shared = self._output.copy(), False
            self._tape = self._tape.copy() if self._tape is not None else None


class Board:
    """Where every process is, and what explains it."""

    def __init__(self) -> None:
        self.booted: Booted | None = None
        self.halted: Halted | None = None
        self.now_ns = 0
        self.paused = False
        #: The CPU for which it has been asked who will get it, while nobody knows; and whether the answer decides it.
        self.asked: int | None = None
        self.chooses = False
        self.policy = ""
        self.parameters: dict[str, object] = {}
        #: The policy's own queues, when somebody looked last.
        self.queues: Queues | None = None
        #: The policy in force, if anybody has asked since it took over.
        self.described: Described | None = None
        #: What went wrong last in a policy's own file, until the operator has another one take over.
        self.failure: Fault | None = None
        #: Those that can never go on, as things stand.
        self.deadlock: Deadlocked | None = None
        self.rows: dict[int, Row] = {}
        self.network = Network()
        self.transitions = Transitions()
        self.program = Program()
        #: Pids by state: READY in queue order, RUNNING by CPU, the others in the order in which they came.
        self.ready: deque[int] = deque()
        self.running: dict[int, int] = {}
        self.blocked: dict[int, None] = {}
        self.stopped: dict[int, None] = {}
        self.exited: dict[int, None] = {}
        #: How many have ended and are remembered no longer.
        self.retired = 0
        self.dead = Dead()
        #: The last decision and what led to it, newest last.
        self.recent: deque[Event] = deque(maxlen=_RECENT)

    @property
    def all_ended(self) -> bool:
        """Whether there were processes, and all have ended."""
        return bool(self.rows) and len(self.exited) == len(self.rows)

    def apply(self, event: Event) -> None:
        """Fold the next event in. Raises IllegalTransition if it cannot have happened."""
        self.now_ns = event.t_ns
        if isinstance(event, SOCKET_EVENTS):
            self.network.apply(event)
            return
        match event:
            case Wrote(pid=pid) | Terminal(pid=pid):
                if pid in self.rows:  # who has retired may have left its console to others
                    self.rows[pid].use_console(event)
                return
            case Waits() | Queues() | Described() | Stepped() | Zombie() | Reaped() | Adopted():
                self._take_note(event)
                return
            case Admitted():
                self.rows[event.pid] = Row(event, self.rows.get(event.parent or 0))
            case Became(pid=pid, name=name):
                if pid in self.rows:
                    row = self.rows[pid]
                    row.admitted, row.name = event.after(row.admitted), name
            case Ready():
                self._queue(event)
            case Dispatched(pid=pid, cpu=cpu):
                self.network.dispatch(pid, event.t_ns)
                self.program.dispatch(event)
                row = self._enter(pid, states.RUNNING)
                row.cpu, row.slice_ns = cpu, event.slice_ns
                self.running[cpu] = pid
            case Descheduled(pid=pid):
                self.rows[pid].cpu_ns += event.ran_ns
            case Blocked(pid=pid, again=again):
                self.network.leave(pid)
                self._wait(self.rows[pid], event, again)
            case Exited(pid=pid):
                self.network.leave(pid)
                row = self._enter(pid, states.EXITED)
                row.exited, row.cpu_ns = event, event.cpu_ns
                self.exited[pid] = None
                self.transitions.apply(event)
                self.recent.append(event)
                if row.admitted.order is None and (retired := self.dead.add(pid)):
                    self._retire(retired)
                return
            case _:
                self._apply_of_machine(event)
        self.transitions.apply(event)
        self.recent.append(event)

    def _queue(self, event: Ready) -> None:
        """A process waits for a CPU: one that was pushed aside before the others."""
        self._enter(event.pid, states.READY)
        if event.reason == "preempted":
            self.ready.appendleft(event.pid)
        else:
            self.ready.append(event.pid)
            if event.reason == "woke":
                self.network.wake(event.pid, event.t_ns)

    def _apply_of_machine(self, event: Event) -> None:
        """What concerns the machine and its policy, not a single process."""
        match event:
            case Operator():
                if event.is_pause or event.goes_on:
                    self.paused, self.asked = event.is_pause, event.asks_cpu
                    self.chooses = event.asks_choice
                elif event.takes_other_policy:
                    self.failure = None
            case Deadlocked():
                self.deadlock = event
            case Resolved():
                self.deadlock = None
            case Fault():
                if event.in_file:
                    self.failure = event
            case Booted():
                self.booted, self.dead = event, Dead(event.kept)
                self.policy, self.parameters = event.policy, event.parameters
            case Scheduling():
                self.policy, self.parameters = event.policy, event.parameters
                self.described = None
            case Halted():
                self.halted = event

    def _take_note(self, event: Waits | Queues | Described | Stepped | Zombie | Reaped | Adopted) -> None:
        """Something is known that changes nobody's state."""
        match event:
            case Waits():
                self._wait_for(event)
            case Queues():
                self.queues = event
            case Described():
                self.described = event
            case Stepped():
                self.program.step(event)
                self.recent.append(event)
            case Zombie(pid=pid) | Reaped(pid=pid) | Adopted(pid=pid):
                if pid in self.rows:  # else it has retired
                    self.rows[pid].note_family(event)
                    self.recent.append(event)

    def _wait(self, row: Row, event: Blocked, again: bool) -> None:
        state = states.STOPPED if event.is_stop else states.BLOCKED
        if not again or row.state is not state:
            self._enter(row.pid, state)
            (self.stopped if event.is_stop else self.blocked)[row.pid] = None
        row.waits, row.waits_for = event, None

    def _wait_for(self, event: Waits) -> None:
        row = self.rows.get(event.pid)
        if row is not None and row.state is states.BLOCKED:
            row.waits_for = event

    def copy(self) -> Board:
        """A board of its own."""
        board = copy(self)
        board.rows = {pid: row.copy() for pid, row in self.rows.items()}
        board.ready, board.running = self.ready.copy(), self.running.copy()
        board.blocked, board.stopped = self.blocked.copy(), self.stopped.copy()
        board.exited = self.exited.copy()
        board.recent, board.dead = self.recent.copy(), self.dead.copy()
        board.network, board.transitions = self.network.copy(), self.transitions.copy()
        board.program = self.program.copy()
        return board

    def _retire(self, pids: Sequence[int]) -> None:
        """Their children pass to the nearest ancestor that is remembered."""
        pass_to = heirs({pid: self.rows.pop(pid).admitted.parent for pid in pids})
        for pid in pids:
            del self.exited[pid]
        for row in self.rows.values():
            if row.admitted.parent in pass_to:
                row.admitted, row.ordinal = replace(row.admitted, parent=pass_to[row.admitted.parent]), None
            if row.console in pass_to:
                row.console = row.pid
        self.transitions.forget(pids)
        self.program.forget(pids)
        self.network.forget(pass_to)
        self.retired += len(pids)

    def _enter(self, pid: int, state: State) -> Row:
        row = self.rows[pid]
        match row.state:
            case states.READY:
                self.ready.remove(pid)
            case states.RUNNING:
                del self.running[row.cpu or 0]
            case states.BLOCKED:
                del self.blocked[pid]
                row.waits_for = None
            case states.STOPPED:
                del self.stopped[pid]
        move(row, state)
        row.since_ns = self.now_ns
        return row
