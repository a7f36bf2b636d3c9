"""Events → who was where, when: each process's states, each CPU's processes, and every time slice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple

from msgspec.structs import replace

from sandbox.model.events import (
    Admitted,
    Became,
    Blocked,
    Booted,
    Clause,
    Deadlocked,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Fault,
    PolicyNote,
    Ready,
    Unseen,
)
from sandbox.model.retirement import Dead, heirs
from sandbox.model.rules import FOR_CHILD
from sandbox.views.intervals import BLOCKED, GONE, NOBODY, ON_CPU, READY, Track
from sandbox.views.retired import Figures, Retired

#: What a mark says of where a process was: that is in its track.
_NOWHERE = Track()
#: Fewer slices than this are not looked through for those of the retired.
_MIN_SLICES = 10_000

#: So many faults are kept; what comes later is counted.
MAX_FAULTS = 1_000


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
    """What is known of one process. ``track``: where it was, from when on, if that is kept."""

    __slots__ = (
        "_child_wait_ns",
        "_keeps_track",
        "_ready_ns",
        "_since_ns",
        "_waited_ns",
        "_waits_for_child",
        "_where",
        "admitted",
        "cpu_ns",
        "dispatched_ns",
        "exited",
        "family_ns",
        "first_run_ns",
        "last_slice",
        "missed",
        "switches",
        "switching_ns",
        "track",
        "undispatched_ns",
        "unseen_ns",
    )

    def __init__(self, admitted: Admitted, keeps_track: bool = True) -> None:
        self.admitted = admitted
        self.exited: Exited | None = None
        self.first_run_ns: int | None = None
        self.cpu_ns = 0
        self.undispatched_ns = 0
        #: CPU time of descendants that had ended before anybody saw them.
        self.unseen_ns = 0
        #: CPU time of descendants that have retired.
        self.family_ns = 0
        self.switches = 0
        #: Time on a CPU in which that was still switching to it; known in virtual time only.
        self.switching_ns = 0
        #: Deadlines that its jobs have missed.
        self.missed = 0
        self.dispatched_ns = 0
        self.last_slice: Slice | None = None
        self.track = Track()
        self._keeps_track = keeps_track
        #: Where it is, as in its track, and since when.
        self._where = GONE
        self._since_ns = 0
        #: Time spent READY and BLOCKED, and of the latter for its own children, without the present stay.
        self._ready_ns = 0
        self._waited_ns = 0
        self._child_wait_ns = 0
        self._waits_for_child = False

    def enter(self, where: int, t_ns: int) -> None:
        """It is somewhere else from now on, ``where`` as in ``sandbox.views.intervals``."""
        left = self._where
        if left == READY:
            self._ready_ns += t_ns - self._since_ns
        elif left == BLOCKED:
            if self._waits_for_child:
                self._child_wait_ns, self._waits_for_child = self.child_wait_ns(t_ns), False
            self._waited_ns += t_ns - self._since_ns
        self._where, self._since_ns = where, t_ns
        if self._keeps_track:
            self.track.put(t_ns, where)

    def block(self, on: Clause, t_ns: int) -> None:
        """It is BLOCKED from now on."""
        self.enter(BLOCKED, t_ns)
        self._waits_for_child = on.rule == FOR_CHILD

    def ready_ns(self, now_ns: int) -> int:
        """Time spent READY so far."""
        return self._ready_ns + self._lasting_ns(READY, now_ns)

    def blocked_ns(self, now_ns: int) -> int:
        """Time spent BLOCKED so far."""
        return self._waited_ns + self._lasting_ns(BLOCKED, now_ns)

    def child_wait_ns(self, now_ns: int) -> int:
        """Of the time spent BLOCKED, that in which it waited for children of its own."""
        return self._child_wait_ns + (self._lasting_ns(BLOCKED, now_ns) if self._waits_for_child else 0)

    def share(self, now_ns: int) -> float:
        """What it got of the time in which it wanted the CPU."""
        return self.cpu_ns / (self.cpu_ns + self.ready_ns(now_ns))

    def figures(self) -> Figures:
        """Those of one that has ended."""
        exited = self.exited
        assert exited is not None
        t_ns = exited.t_ns
        share = self.share(t_ns) if self.cpu_ns else 0.0
        return Figures(
            processes=1,
            failed=int(exited.status not in (0, None)),
            cpu_ns=self.cpu_ns,
            waiting_ns=self.ready_ns(t_ns),
            blocked_ns=self.blocked_ns(t_ns),
            turnaround_ns=t_ns - self.admitted.t_ns,
            switches=self.switches,
            switching_ns=self.switching_ns,
            sharers=int(bool(self.cpu_ns)),
            share=share,
            squares=share * share,
        )

    def _lasting_ns(self, where: int, now_ns: int) -> int:
        return now_ns - self._since_ns if self._where == where else 0


class Mark(NamedTuple):
    """How a history stood: the lives by then, each with what its track said last, and the totals. Tracks themselves
    are long, and only grow: they are cut where the mark is."""

    lives: dict[int, tuple[Life, Track]]
    cpus: list[int]
    last_on: dict[int, int]
    booted: Booted | None
    now_ns: int
    switches: int
    undispatched_ns: int
    stolen_ns: int
    unseen_ns: int
    missed: int
    dead: Dead
    retired: Retired


class History:
    """Grows event by event; what it has once does not change.

    ``keeps_slices``: whether to keep every single slice, as a result document lists them; ``keeps_tracks``: where each
    process was from when on, as charts draw it. The figures of a run need neither, and a run may be long.
    """

    def __init__(self, keeps_slices: bool = True, keeps_tracks: bool = True) -> None:
        self.booted: Booted | None = None
        self.now_ns = 0
        self.lives: dict[int, Life] = {}
        #: Whose each CPU was; slices of one process with nobody between them are one turn.
        self.cpus: dict[int, Track] = {}
        self.slices: list[Slice] = []
        #: How often a CPU took another process than the one it had last.
        self.switches = 0
        #: CPU time that processes used without being dispatched.
        self.undispatched_ns = 0
        #: For how long others had the CPU of a process that was dispatched; CPU time of processes that nobody saw.
        self.stolen_ns = self.unseen_ns = 0
        #: Deadlines that jobs have missed.
        self.missed = 0
        #: What went wrong, the first ones; how many more there were.
        self.faults: list[Fault] = []
        self.more_faults = 0
        #: Deadlocks, each with those who were in it; the last ones.
        self.deadlocks: deque[Deadlocked] = deque(maxlen=MAX_FAULTS)
        #: The totals of those that are remembered no longer.
        self.retired = Retired()
        self._dead = Dead()
        self._keeps_slices, self._keeps_tracks = keeps_slices, keeps_tracks
        #: When there are so many, those of the retired are left out.
        self._slices_until = _MIN_SLICES
        self._last_on: dict[int, int] = {}
        self._is_virtual = False

    @property
    def others_ns(self) -> int:
        """For how long at least others had the CPU of a process that was dispatched: all who were not dispatched, less
        those of our own."""
        return max(self.stolen_ns - self.undispatched_ns, 0)

    def add_all(self, events: Iterable[Event]) -> None:
        """Take in the next events; of an instant, which has three as a rule, that saves three calls."""
        for event in events:
            if event.t_ns > self.now_ns:  # noqa: PLR1730 - a call costs more than all the rest
                self.now_ns = event.t_ns
            take_in = _TAKES_IN.get(type(event))
            if take_in is not None:
                take_in(self, event)

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self.now_ns = max(self.now_ns, event.t_ns)
        take_in = _TAKES_IN.get(type(event))
        if take_in is not None:
            take_in(self, event)

    def _boot(self, event: Booted) -> None:
        self.booted, self._dead = event, Dead(event.kept)
        self._is_virtual = event.machine == "virtual"

    def _admit(self, event: Admitted) -> None:
        self.lives[event.pid] = Life(event, self._keeps_tracks)

    def _become(self, event: Became) -> None:
        if (life := self.lives.get(event.pid)) is not None:
            life.admitted = event.after(life.admitted)

    def _make_ready(self, event: Ready) -> None:
        self.lives[event.pid].enter(READY, event.t_ns)

    def _block(self, event: Blocked) -> None:
        if not event.again:
            self.lives[event.pid].block(event.on, event.t_ns)

    def _dispatch(self, event: Dispatched) -> None:
        life = self.lives[event.pid]
        life.dispatched_ns = event.t_ns
        if life.first_run_ns is None:
            life.first_run_ns = event.t_ns
        if self._last_on.get(event.cpu) != event.pid:
            life.switches += 1
            self.switches += 1
            self._last_on[event.cpu] = event.pid
        life.enter(ON_CPU + event.cpu, event.t_ns)
        if self._keeps_tracks:
            if event.cpu not in self.cpus:
                self.cpus[event.cpu] = Track()
            self.cpus[event.cpu].put_in_passing(event.t_ns, event.pid)
        if self._keeps_slices:
            life.last_slice = Slice(event.pid, event.cpu, event.t_ns)
            self.slices.append(life.last_slice)

    def _deschedule(self, event: Descheduled) -> None:
        life = self.lives[event.pid]
        life.cpu_ns += event.ran_ns
        if event.ran_ns == 0 and life.first_run_ns == life.dispatched_ns:
            life.first_run_ns = None  # it did not get to compute anything
        if self._is_virtual:
            life.switching_ns += event.t_ns - life.dispatched_ns - event.ran_ns
        life.undispatched_ns += event.undispatched_ns
        self.undispatched_ns += event.undispatched_ns
        self.stolen_ns += event.stolen_ns
        if self._keeps_tracks:
            self.cpus[event.cpu].put_in_passing(event.t_ns, NOBODY)
        if life.last_slice is not None:
            life.last_slice.end_ns = event.t_ns
            life.last_slice.cpu_ns = event.ran_ns
            life.last_slice.reason = event.reason

    def _exit(self, event: Exited) -> None:
        life = self.lives[event.pid]
        life.exited = event
        self._put_right(event.pid, life, event.cpu_ns - life.cpu_ns)
        self.undispatched_ns += event.undispatched_ns - life.undispatched_ns
        life.cpu_ns, life.undispatched_ns = event.cpu_ns, event.undispatched_ns
        life.enter(GONE, event.t_ns)
        if life.admitted.order is None and (retired := self._dead.add(event.pid)):
            self._retire(retired)

    def _miss(self, event: PolicyNote) -> None:
        if event.misses_deadline and event.pid is not None:
            self.missed += 1
            if event.pid in self.lives:
                self.lives[event.pid].missed += 1

    def _add_unseen(self, event: Unseen) -> None:
        self.unseen_ns += event.cpu_ns
        if event.pid in self.lives:
            self.lives[event.pid].unseen_ns += event.cpu_ns

    def _add_deadlock(self, event: Deadlocked) -> None:
        self.deadlocks.append(event)

    def _add_fault(self, event: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(event)
        else:
            self.more_faults += 1

    def _retire(self, pids: Sequence[int]) -> None:
        """What they and their descendants have used goes to the nearest ancestor that is remembered, and so do the
        children that they leave."""
        pass_to = heirs({pid: self.lives[pid].admitted.parent for pid in pids})
        for pid in sorted(pids, reverse=True):  # children are younger than their parents
            life = self.lives.pop(pid)
            parent = self.lives.get(life.admitted.parent or 0)
            if parent is not None:
                parent.family_ns += life.cpu_ns + life.unseen_ns + life.family_ns
            self.retired.add(life.admitted.name, life.exited.t_ns if life.exited else 0, life.figures())
        for life in self.lives.values():
            if life.admitted.parent in pass_to:
                life.admitted = replace(life.admitted, parent=pass_to[life.admitted.parent])
        if len(self.slices) > self._slices_until:
            self.slices = [piece for piece in self.slices if piece.pid in self.lives]
            self._slices_until = max(2 * len(self.slices), _MIN_SLICES)

    def _put_right(self, pid: int, life: Life, more_ns: int) -> None:
        """What a process used after its last slice (a late stop, a wake noticed late) belongs to that slice; what it
        was said to have used too much is taken from the last ones."""
        if life.last_slice is None:
            return
        life.last_slice.cpu_ns += more_ns
        if life.last_slice.cpu_ns >= 0:
            return
        owed_ns = 0
        for piece in reversed(self.slices):
            if piece.pid == pid:
                left_ns = piece.cpu_ns - owed_ns
                piece.cpu_ns, owed_ns = max(left_ns, 0), max(-left_ns, 0)
                if not owed_ns:
                    return

    # Going back

    def mark(self) -> Mark:
        """How it stands; to be taken between two instants only."""
        return Mark(
            lives={pid: (_without_track(life), life.track.last) for pid, life in self.lives.items()},
            cpus=[*self.cpus],
            last_on=dict(self._last_on),
            booted=self.booted,
            now_ns=self.now_ns,
            switches=self.switches,
            undispatched_ns=self.undispatched_ns,
            stolen_ns=self.stolen_ns,
            unseen_ns=self.unseen_ns,
            missed=self.missed,
            dead=self._dead.copy(),
            retired=self.retired.copy(),
        )

    def back_to(self, mark: Mark) -> History:
        """A history of its own, as this one stood at a mark; it keeps no slices."""
        history = History(keeps_slices=False)
        for pid, (then, last) in mark.lives.items():
            life = history.lives[pid] = copy(then)
            life.track = (self.lives[pid].track if pid in self.lives else last).until(mark.now_ns)
        history.cpus = {cpu: self.cpus[cpu].until(mark.now_ns) for cpu in mark.cpus}
        history._last_on = dict(mark.last_on)
        history.booted, history.now_ns = mark.booted, mark.now_ns
        history.switches, history.undispatched_ns = mark.switches, mark.undispatched_ns
        history.stolen_ns, history.unseen_ns = mark.stolen_ns, mark.unseen_ns
        history.missed, history._is_virtual = mark.missed, self._is_virtual
        history._dead, history.retired = mark.dead.copy(), mark.retired.copy()
        return history


def _without_track(life: Life) -> Life:
    then = copy(life)
    then.track = _NOWHERE
    return then


#: How each kind of event is taken in; of others there is nothing to keep. A table, because three events in four are
#: those of slices, and a run may have millions of them.
_TAKES_IN: dict[type[Event], Callable[[History, Any], None]] = {
    Booted: History._boot,
    Admitted: History._admit,
    Became: History._become,
    Ready: History._make_ready,
    Blocked: History._block,
    Dispatched: History._dispatch,
    Descheduled: History._deschedule,
    Exited: History._exit,
    Unseen: History._add_unseen,
    Deadlocked: History._add_deadlock,
    Fault: History._add_fault,
    PolicyNote: History._miss,
}
