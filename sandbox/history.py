"""Events → who was where, when: each process's stretches in each state, and every time slice."""

from __future__ import annotations

from sandbox.events import (
    Admitted,
    Blocked,
    Booted,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Ready,
)
from sandbox.kernel.states import State


class Stretch:
    """A stretch of time in one state; ``end_ns`` None while it lasts. ``cpu`` only where it runs."""

    __slots__ = ("cpu", "end_ns", "start_ns", "state")

    def __init__(self, state: State, start_ns: int, cpu: int | None = None) -> None:
        self.state = state
        self.start_ns = start_ns
        self.end_ns: int | None = None
        self.cpu = cpu

    def length_ns(self, now_ns: int) -> int:
        return (now_ns if self.end_ns is None else self.end_ns) - self.start_ns


class Slice:
    """One time slice: granted at ``start_ns``, over at ``end_ns``; ``cpu_ns``: the CPU time used in it."""

    __slots__ = ("cpu", "cpu_ns", "end_ns", "pid", "reason", "start_ns")

    def __init__(self, pid: int, cpu: int, start_ns: int) -> None:
        self.pid = pid
        self.cpu = cpu
        self.start_ns = start_ns
        self.end_ns: int | None = None
        self.cpu_ns = 0
        self.reason = ""


class Life:
    """What is known of one process."""

    __slots__ = ("admitted", "cpu_ns", "exited", "first_run_ns", "stretches", "switches")

    def __init__(self, admitted: Admitted) -> None:
        self.admitted = admitted
        self.exited: Exited | None = None
        self.first_run_ns: int | None = None
        self.cpu_ns = 0
        self.switches = 0
        self.stretches: list[Stretch] = []

    def spent_ns(self, state: State, now_ns: int) -> int:
        """Time spent in a state so far."""
        return sum(stretch.length_ns(now_ns) for stretch in self.stretches if stretch.state is state)


class History:
    """Grows event by event; nothing in it is ever changed afterwards but ends that were open."""

    def __init__(self) -> None:
        self.booted: Booted | None = None
        self.now_ns = 0
        self.lives: dict[int, Life] = {}
        self.slices: list[Slice] = []
        #: Times at which a CPU changed from one process to another.
        self.switches = 0
        self._open: dict[int, Slice] = {}
        self._last_on: dict[int, int] = {}

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self.now_ns = max(self.now_ns, event.t_ns)
        match event:
            case Booted():
                self.booted = event
            case Admitted(pid=pid):
                self.lives[pid] = Life(event)
            case Ready(pid=pid):
                self._enter(pid, State.READY, event.t_ns)
            case Blocked(pid=pid):
                self._enter(pid, State.BLOCKED, event.t_ns)
            case Dispatched(pid=pid, cpu=cpu):
                self._dispatch(pid, cpu, event.t_ns)
            case Descheduled():
                self._deschedule(event)
            case Exited(pid=pid):
                self._exit(event)

    def _enter(self, pid: int, state: State, t_ns: int, cpu: int | None = None) -> None:
        stretches = self.lives[pid].stretches
        if stretches:
            stretches[-1].end_ns = t_ns
        stretches.append(Stretch(state, t_ns, cpu))

    def _dispatch(self, pid: int, cpu: int, t_ns: int) -> None:
        life = self.lives[pid]
        if life.first_run_ns is None:
            life.first_run_ns = t_ns
        if self._last_on.get(cpu) != pid:
            life.switches += 1
            self.switches += cpu in self._last_on
            self._last_on[cpu] = pid
        self._enter(pid, State.RUNNING, t_ns, cpu)
        self._open[pid] = opened = Slice(pid, cpu, t_ns)
        self.slices.append(opened)

    def _deschedule(self, event: Descheduled) -> None:
        opened = self._open.pop(event.pid)
        opened.end_ns = event.t_ns
        opened.cpu_ns = event.ran_ns
        opened.reason = event.reason
        self.lives[event.pid].cpu_ns += event.ran_ns

    def _exit(self, event: Exited) -> None:
        life = self.lives[event.pid]
        life.exited = event
        unseen_ns = event.cpu_ns - life.cpu_ns
        if unseen_ns > 0 and life.switches:
            # What it used after its last slice (a late stop, a wake noticed late) belongs to that slice.
            last = next(piece for piece in reversed(self.slices) if piece.pid == event.pid)
            last.cpu_ns += unseen_ns
        life.cpu_ns = event.cpu_ns
        if life.stretches:
            life.stretches[-1].end_ns = event.t_ns
