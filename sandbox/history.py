"""Events → who was where, when: each process's stretches in each state, and every time slice."""

from __future__ import annotations

from collections import deque

from sandbox.events import (
    Admitted,
    Became,
    Blocked,
    Booted,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    PolicyNote,
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

    __slots__ = (
        "_spent_ns",
        "admitted",
        "cpu_ns",
        "exited",
        "first_run_ns",
        "last_slice",
        "stretches",
        "switches",
        "undispatched_ns",
    )

    def __init__(self, admitted: Admitted, stretches_most: int | None) -> None:
        self.admitted = admitted
        self.exited: Exited | None = None
        self.first_run_ns: int | None = None
        self.cpu_ns = 0
        self.undispatched_ns = 0
        self.switches = 0
        self.last_slice: Slice | None = None
        self.stretches: deque[Stretch] = deque(maxlen=stretches_most)
        self._spent_ns = dict.fromkeys(State, 0)

    def enter(self, state: State, t_ns: int, cpu: int | None = None) -> None:
        """Another stretch begins, and with it ends the one before."""
        self.leave(t_ns)
        self.stretches.append(Stretch(state, t_ns, cpu))

    def leave(self, t_ns: int) -> None:
        """The stretch that lasts ends."""
        if self.stretches:
            last = self.stretches[-1]
            last.end_ns = t_ns
            self._spent_ns[last.state] += t_ns - last.start_ns

    def spent_ns(self, state: State, now_ns: int) -> int:
        """Time spent in a state so far."""
        lasting_ns = 0
        if self.stretches and self.stretches[-1].end_ns is None and self.stretches[-1].state is state:
            lasting_ns = now_ns - self.stretches[-1].start_ns
        return self._spent_ns[state] + lasting_ns


class History:
    """Grows event by event; nothing in it is changed afterwards but ends that were open.

    ``stretches_most``: how many stretches to keep of each process, for a view that runs for hours; then single
    slices are not kept at all. Totals are exact in any case.
    """

    def __init__(self, stretches_most: int | None = None) -> None:
        self.booted: Booted | None = None
        self.now_ns = 0
        self.lives: dict[int, Life] = {}
        self.slices: list[Slice] = []
        #: Times at which a CPU changed from one process to another.
        self.switches = 0
        #: CPU time that processes used without being dispatched.
        self.undispatched_ns = 0
        #: Deadlines missed, as far as the policy watches them.
        self.missed = 0
        self._stretches_most = stretches_most
        self._last_on: dict[int, int] = {}

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self.now_ns = max(self.now_ns, event.t_ns)
        match event:
            case Booted():
                self.booted = event
            case Admitted(pid=pid):
                self.lives[pid] = Life(event, self._stretches_most)
            case Became(pid=pid):
                self.lives[pid].admitted = event.after(self.lives[pid].admitted)
            case Ready(pid=pid):
                self.lives[pid].enter(State.READY, event.t_ns)
            case Blocked(pid=pid, again=False):
                self.lives[pid].enter(State.BLOCKED, event.t_ns)
            case Dispatched():
                self._dispatch(event)
            case Descheduled():
                self._deschedule(event)
            case Exited():
                self._exit(event)
            case PolicyNote(note=note):
                self.missed += note.rule == "missed its deadline"

    def _dispatch(self, event: Dispatched) -> None:
        life = self.lives[event.pid]
        if life.first_run_ns is None:
            life.first_run_ns = event.t_ns
        if self._last_on.get(event.cpu) != event.pid:
            life.switches += 1
            self.switches += event.cpu in self._last_on
            self._last_on[event.cpu] = event.pid
        life.enter(State.RUNNING, event.t_ns, event.cpu)
        life.last_slice = Slice(event.pid, event.cpu, event.t_ns)
        if self._stretches_most is None:
            self.slices.append(life.last_slice)

    def _deschedule(self, event: Descheduled) -> None:
        life = self.lives[event.pid]
        life.cpu_ns += event.ran_ns
        life.undispatched_ns += event.undispatched_ns
        self.undispatched_ns += event.undispatched_ns
        if life.last_slice is not None:
            life.last_slice.end_ns = event.t_ns
            life.last_slice.cpu_ns = event.ran_ns
            life.last_slice.reason = event.reason

    def _exit(self, event: Exited) -> None:
        life = self.lives[event.pid]
        life.exited = event
        if life.last_slice is not None:
            # What it used after its last slice (a late stop, a wake noticed late) belongs to that slice.
            life.last_slice.cpu_ns += event.cpu_ns - life.cpu_ns
        self.undispatched_ns += event.undispatched_ns - life.undispatched_ns
        life.cpu_ns, life.undispatched_ns = event.cpu_ns, event.undispatched_ns
        life.leave(event.t_ns)
