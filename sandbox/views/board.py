"""The board: the state of every process, folded from events. Live view, replay and tests all use the same fold."""

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

#: The number of recent events kept to explain the present.
_RECENT = 40


class Row:
    """One process on the board. Times are in ns."""

    __slots__ = (
        "_output",
        "_output_is_shared",
        "_tape",
        "admitted",
        "adopted",
        "called",
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
        #: The number of its children so far, and its own number among its parent's children, counted from 1 (None: its
        #: parent is not remembered).
        self.children = 0
        self.ordinal: int | None = None
        #: The pid of the process whose console it uses: its own pid, or the console that it shares with its parent.
        self.console = admitted.pid
        if parent is not None:
            parent.children += 1
            self.ordinal, self.console = parent.children, parent.console
        self.pid = admitted.pid
        self.os_pid = admitted.os_pid
        self.name = admitted.name
        #: Its unique name, which differs from its own if that is taken.
        self.called = admitted.name
        self.state = states.NEW
        self.since_ns = admitted.t_ns
        self.cpu: int | None = None
        self.cpu_ns = 0
        self.slice_ns: int | None = None
        #: What it waits for or last waited for.
        self.waits: Blocked | None = None
        #: The processes it waits for, as far as known; None: it does not wait for others.
        self.waits_for: Waits | None = None
        self.exited: Exited | None = None
        #: If it is a zombie: the parent that has not waited for it yet. If its parent has ended: its adoption.
        self.zombie_of: int | None = None
        self.adopted: Adopted | None = None
        #: The settings of its terminal.
        self.terminal = Terminal(admitted.t_ns, admitted.pid, *TERMINAL_SIZE)
        self._output = ConsoleText()
        self._tape: Tape | None = None
        self._output_is_shared = False

    @property
    def on(self) -> Clause | None:
        """The cause for which it is or last was blocked; None if it never was."""
        return None if self.waits is None else self.waits.on

    @property
    def output(self) -> ConsoleText:
        """The text it has written, which only ``use_console`` changes."""
        return self._output

    @property
    def tape(self) -> Tape | None:
        """Everything sent to its terminal; None while ``output`` suffices. A tape exists if the process has written
        more than lines of text, or reads single keys, so that only a terminal emulator can show its output."""
        return self._tape

    def note_family(self, event: Zombie | Reaped | Adopted) -> None:
        """Apply an event that follows the end of the process or of its parent."""
        if isinstance(event, Adopted):
            self.adopted = event
        else:
            self.zombie_of = event.parent if isinstance(event, Zombie) else None

    def copy(self) -> Row:
        """Return an independent copy; the output is copied only at the next write."""
        self._output_is_shared = True
        return copy(self)

    def use_console(self, event: Wrote | Terminal) -> None:
        """Apply written text or new terminal settings."""
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
    """The state of all processes and of the machine, with the events that explain it."""

    def __init__(self) -> None:
        self.booted: Booted | None = None
        self.halted: Halted | None = None
        self.now_ns = 0
        self.paused = False
        #: The CPU for which the reader is being asked which process will get it (None: no question), and whether the
        #: answer decides that.
        self.asked: int | None = None
        self.chooses = False
        self.policy = ""
        self.parameters: dict[str, object] = {}
        #: The policy's own queues when they were last asked for.
        self.queues: Queues | None = None
        #: The description of the policy in force, if it was asked for since the policy took over.
        self.described: Described | None = None
        #: The last fault in a policy's file, until the operator changes or reloads the policy.
        self.failure: Fault | None = None
        #: The present deadlock.
        self.deadlock: Deadlocked | None = None
        self.rows: dict[int, Row] = {}
        self.network = Network()
        self.transitions = Transitions()
        self.program = Program()
        #: Pids by state: READY in queue order, RUNNING by CPU, the others in the order in which they entered the state.
        self.ready: deque[int] = deque()
        self.running: dict[int, int] = {}
        self.blocked: dict[int, None] = {}
        self.stopped: dict[int, None] = {}
        self.exited: dict[int, None] = {}
        #: The number of ended processes that are no longer remembered.
        self.retired = 0
        self.dead = Dead()
        #: The last events, which led to the last decision; newest last.
        self.recent: deque[Event] = deque(maxlen=_RECENT)

    @property
    def all_ended(self) -> bool:
        """Whether there were processes and all of them have ended."""
        return bool(self.rows) and len(self.exited) == len(self.rows)

    def apply(self, event: Event) -> None:
        """Apply the next event. Raises IllegalTransition if it cannot have happened."""
        self.now_ns = event.t_ns
        if isinstance(event, SOCKET_EVENTS):
            self.network.apply(event)
            return
        match event:
            case Wrote(pid=pid) | Terminal(pid=pid):
                if pid in self.rows:  # a retired process may have left its console to others
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
        """Put a process into the ready queue: at the head if it was preempted, else at the tail."""
        self._enter(event.pid, states.READY)
        if event.reason == "preempted":
            self.ready.appendleft(event.pid)
        else:
            self.ready.append(event.pid)
            if event.reason == "woke":
                self.network.wake(event.pid, event.t_ns)

    def _apply_of_machine(self, event: Event) -> None:
        """Apply an event about the machine or its policy, not about a single process."""
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
        """Apply an event that changes no process's state."""
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
        """Return an independent copy."""
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
        """Forget retired processes, and pass their children to the nearest remembered ancestor."""
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
