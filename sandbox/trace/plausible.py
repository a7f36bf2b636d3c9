"""Plausibility check for the events of a recording, which may have lost some or may be forged."""

from __future__ import annotations

from sandbox.model.commands import MAX_TERMINAL
from sandbox.model.events import (
    Accepted,
    Admitted,
    Adopted,
    Backlog,
    Became,
    Blocked,
    Booted,
    Closed,
    Connected,
    Deadlocked,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Fault,
    Listening,
    PolicyNote,
    Queues,
    Ready,
    Reaped,
    Recipe,
    Resolved,
    Stepped,
    Terminal,
    Transferred,
    Unseen,
    Waits,
    Witnessed,
    Wrote,
    Zombie,
)
from sandbox.model.retirement import MAX_KEPT, MIN_KEPT, Dead
from sandbox.model.states import State
from sandbox.util.units import S

_MAX_NS = 1 << 62
#: The longest time between events of a run; a greater one is taken for an error of the recording.
_MAX_SILENCE_NS = 86_400 * S
_MAX_PID = 1 << 31
_MAX_CPUS = 1_024
#: Events that may be recorded after events of later times.
_AFTERWARDS = (Wrote, Terminal, Fault, Witnessed, Recipe, Unseen, Waits, Deadlocked, Resolved, Zombie, Reaped, Became)


class Plausible:
    """Tracks the state of a run through its plausible events. An implausible event does not change the state, so one
    lost event causes only the few that depend on it to be left out."""

    def __init__(self) -> None:
        self._cpus = 0
        self._now_ns = 0
        self._states: dict[int, State] = {}
        #: Decides which ended processes are forgotten, in the same way as everywhere.
        self._dead = Dead()
        #: The highest forgotten pid: events may still name forgotten processes, such as the owner of a shared console.
        self._forgotten = 0
        #: The process on each CPU.
        self._on: dict[int, int] = {}
        #: The numbers of listening sockets and of open connections.
        self._listeners: set[int] = set()
        self._connections: set[int] = set()

    def __call__(self, event: Event) -> bool:
        """Return whether an event can have happened; if so, apply it to the state."""
        if not (self._in_time(event) and self._can_be(event)):
            return False
        if not isinstance(event, _AFTERWARDS):
            self._now_ns = event.t_ns
        return True

    def _in_time(self, event: Event) -> bool:
        if isinstance(event, _AFTERWARDS):
            return 0 <= event.t_ns <= self._now_ns + _MAX_SILENCE_NS
        return self._now_ns <= event.t_ns <= self._now_ns + _MAX_SILENCE_NS

    def _can_be(self, event: Event) -> bool:
        if isinstance(event, Booted):
            first, self._cpus = not self._cpus, event.cpus
            can = first and 0 < event.cpus <= _MAX_CPUS and MIN_KEPT <= event.kept <= MAX_KEPT
            if can:
                self._dead = Dead(event.kept)
            return can
        return bool(self._cpus) and self._can_befall_a_process(event)

    def _can_befall_a_process(self, event: Event) -> bool:
        """Check and apply events that change a process's state; pass on other events."""
        match event:
            case Admitted(pid=pid, order=order, demand_ns=demand_ns):
                can = pid not in self._states and 0 < pid < _MAX_PID and _is_figure(order or 0, demand_ns or 0)
                if can:
                    self._states[pid] = State.NEW
                    if order is not None:
                        self._dead.spare(pid)
                return can
            case Ready(pid=pid):
                return self._move(pid, State.READY)
            case Dispatched(pid=pid, cpu=cpu, slice_ns=slice_ns):
                can = 0 <= cpu < self._cpus and cpu not in self._on and _is_figure(slice_ns or 0)
                if can and self._move(pid, State.RUNNING):
                    self._on[cpu] = pid
                    return True
                return False
            case Descheduled(pid=pid, cpu=cpu):
                figures = (event.ran_ns, event.undispatched_ns, event.stolen_ns)
                return self._on.get(cpu) == pid and _is_figure(*figures)
            case Blocked(pid=pid, again=again):
                return self._states.get(pid) is State.BLOCKED if again else self._move(pid, State.BLOCKED)
            case Exited(pid=pid):
                totals = (event.cpu_ns, event.waiting_ns, event.blocked_ns, event.undispatched_ns)
                can = _is_figure(*totals) and self._move(pid, State.EXITED)
                if can:
                    for gone in self._dead.add(pid):
                        del self._states[gone]
                        self._forgotten = max(self._forgotten, gone)
                return can
        return self._names_known_ones(event)

    def _names_known_ones(self, event: Event) -> bool:
        """Check that the other events about processes name only known ones; pass on events about sockets."""
        match event:
            case Unseen(pid=pid, cpu_ns=cpu_ns):
                return self._was(pid) and _is_figure(cpu_ns)
            case Terminal(pid=pid, rows=rows, columns=columns):
                return self._was(pid) and 0 < rows <= MAX_TERMINAL and 0 < columns <= MAX_TERMINAL
            case Zombie(pid=pid, parent=parent):
                return self._was(pid) and self._was(parent)
            case Reaped(pid=pid, by=by) | Adopted(pid=pid, by=by):
                return self._was(pid) and (by is None or self._was(by))
            case Wrote(pid=pid) | Became(pid=pid) | Witnessed(pid=pid) | Stepped(pid=pid):
                return self._was(pid)
            case Waits(pid=pid, holders=holders):
                return self._was(pid) and all(map(self._was, holders))
            case Deadlocked(pids=pids, core=core, edges=edges, lively=lively):
                named = (*pids, *core, *lively, *(end for edge in edges for end in (edge.pid, edge.holder)))
                return all(map(self._was, named))
            case Resolved(pids=pids):
                return all(map(self._was, pids))
            case Fault(pid=pid) | PolicyNote(pid=pid):
                return pid is None or self._was(pid)
            case Queues(queues=queues, running=running):
                return all(
                    task.pid in self._states for tasks in (running, *(q.tasks for q in queues)) for task in tasks
                )
        return self._can_be_of_a_socket(event)

    def _can_be_of_a_socket(self, event: Event) -> bool:
        match event:
            case Listening(socket=socket, pid=pid):
                can = pid in self._states and socket not in self._listeners | self._connections
                if can:
                    self._listeners.add(socket)
                return can
            case Connected(socket=socket, pid=pid):
                can = (pid is None or pid in self._states) and socket not in self._listeners | self._connections
                if can:
                    self._connections.add(socket)
                return can
            case Backlog(socket=socket):
                return socket in self._listeners
            case Accepted(socket=socket, pid=pid):
                return socket in self._connections and pid in self._states
            case Transferred(socket=socket):
                return socket in self._connections
            case Closed(socket=socket):
                can = socket in self._listeners or socket in self._connections
                self._listeners.discard(socket)
                self._connections.discard(socket)
                return can
        return True

    def _was(self, pid: int) -> bool:
        """Whether a process exists or may have existed."""
        return pid in self._states or 0 < pid <= self._forgotten

    def _move(self, pid: int, to: State) -> bool:
        state = self._states.get(pid)
        if state is None or to not in state.leads_to:
            return False
        if state is State.RUNNING:
            self._on = {cpu: other for cpu, other in self._on.items() if other != pid}
        self._states[pid] = to
        return True


def _is_figure(*figures: int) -> bool:
    """Whether the numbers are in range. CPU times may be corrected later and are therefore allowed to be negative."""
    return all(-_MAX_NS < figure < _MAX_NS for figure in figures)
