"""The past of a run, folded from events: each process's states, each CPU's processes, and every time slice."""

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
from sandbox.model.naming import of_births
from sandbox.model.retirement import Dead, heirs
from sandbox.model.rules import FOR_CHILD
from sandbox.views.intervals import BLOCKED, GONE, NOBODY, ON_CPU, READY, Track
from sandbox.views.retired import Figures, Retired

#: Stands for the track of a life in a mark, which does not copy tracks.
_NOWHERE = Track()
#: Below this number of slices, those of retired processes are not dropped.
_MIN_SLICES = 10_000

#: The most faults, and deadlocks, to keep; further faults are only counted.
MAX_FAULTS = 1_000


class Slice:
    """One time slice, from ``start_ns`` to ``end_ns`` (None: not over). ``cpu_ns``: the CPU time used in it."""

    __slots__ = ("cpu", "cpu_ns", "end_ns", "pid", "reason", "start_ns")

    def __init__(self, pid: int, cpu: int, start_ns: int) -> None:
        self.pid = pid
        self.cpu = cpu
        self.start_ns = start_ns
        self.end_ns: int | None = None
        self.cpu_ns = 0
        self.reason = ""


class Life:
    """The figures of one process. ``track``: where it was over time; empty if tracks are not kept."""

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
        #: CPU time of descendants that ended before they were seen.
        self.unseen_ns = 0
        #: CPU time of descendants that have retired.
        self.family_ns = 0
        self.switches = 0
        #: Time on a CPU that was still switching to it; known in virtual time only.
        self.switching_ns = 0
        #: The number of deadlines that its jobs have missed.
        self.missed = 0
        self.dispatched_ns = 0
        self.last_slice: Slice | None = None
        self.track = Track()
        self._keeps_track = keeps_track
        #: Where it is, as a value of its track, and since when.
        self._where = GONE
        self._since_ns = 0
        #: Time spent READY, BLOCKED, and BLOCKED for its own children, without the present stay.
        self._ready_ns = 0
        self._waited_ns = 0
        self._child_wait_ns = 0
        self._waits_for_child = False

    def enter(self, where: int, t_ns: int) -> None:
        """Record a change of place. ``where``: a value as defined in ``sandbox.views.intervals``."""
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
        """Record that the process is BLOCKED from now on."""
        self.enter(BLOCKED, t_ns)
        self._waits_for_child = on.rule == FOR_CHILD

    def ready_ns(self, now_ns: int) -> int:
        """Return the time spent READY so far."""
        return self._ready_ns + self._lasting_ns(READY, now_ns)

    def blocked_ns(self, now_ns: int) -> int:
        """Return the time spent BLOCKED so far."""
        return self._waited_ns + self._lasting_ns(BLOCKED, now_ns)

    def child_wait_ns(self, now_ns: int) -> int:
        """Return the part of the time spent BLOCKED in which it waited for its own children."""
        return self._child_wait_ns + (self._lasting_ns(BLOCKED, now_ns) if self._waits_for_child else 0)

    def share(self, now_ns: int) -> float:
        """Return its share of the time in which it wanted the CPU: CPU / (CPU + waiting)."""
        return self.cpu_ns / (self.cpu_ns + self.ready_ns(now_ns))

    def figures(self) -> Figures:
        """Return the figures of the process, which must have ended."""
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
    """A snapshot of a history: the lives, each with the last value of its track, and the totals. Tracks are not copied,
    as they are long and only grow: ``History.back_to`` cuts the present ones at the time of the mark."""

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
    """The past of a run, folded from its events.

    ``keeps_slices``: whether to keep every slice, which a result document lists; ``keeps_tracks``: whether to keep
    where each process was over time, which charts draw. The figures of a run need neither, and a run may be long.
    """

    def __init__(self, keeps_slices: bool = True, keeps_tracks: bool = True) -> None:
        self.booted: Booted | None = None
        self.now_ns = 0
        self.lives: dict[int, Life] = {}
        #: The process on each CPU over time; consecutive slices of one process are one entry.
        self.cpus: dict[int, Track] = {}
        self.slices: list[Slice] = []
        #: How often a CPU got another process than the one it had last.
        self.switches = 0
        #: CPU time that processes used without being dispatched.
        self.undispatched_ns = 0
        #: Time in which others had the CPU of a dispatched process; CPU time of processes that were never seen.
        self.stolen_ns = self.unseen_ns = 0
        #: The number of deadlines that jobs have missed.
        self.missed = 0
        #: The first faults, and the number of further ones.
        self.faults: list[Fault] = []
        self.more_faults = 0
        #: The last deadlocks.
        self.deadlocks: deque[Deadlocked] = deque(maxlen=MAX_FAULTS)
        #: The totals of the processes that are no longer remembered.
        self.retired = Retired()
        self._dead = Dead()
        self._keeps_slices, self._keeps_tracks = keeps_slices, keeps_tracks
        #: The number of slices at which those of retired processes are dropped.
        self._slices_until = _MIN_SLICES
        self._last_on: dict[int, int] = {}
        self._is_virtual = False

    @property
    def names(self) -> dict[int, str]:
        """The unique names of the remembered processes at their births, by pid."""
        return of_births((pid, life.admitted.name, life.admitted.parent) for pid, life in self.lives.items())

    @property
    def others_ns(self) -> int:
        """The least time (ns) in which programs outside the run had the CPU of a dispatched process: the stolen time
        less the time that the run's own processes used without being dispatched."""
        return max(self.stolen_ns - self.undispatched_ns, 0)

    def add_all(self, events: Iterable[Event]) -> None:
        """Add the next events. This is faster than calling ``add`` for each."""
        for event in events:
            if event.t_ns > self.now_ns:  # noqa: PLR1730 - a call costs more than all the rest
                self.now_ns = event.t_ns
            take_in = _TAKES_IN.get(type(event))
            if take_in is not None:
                take_in(self, event)

    def add(self, event: Event) -> None:
        """Add the next event."""
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
        """Forget retired processes. The nearest remembered ancestor gets their children, and the CPU time of them and
        their descendants."""
        pass_to = heirs({pid: self.lives[pid].admitted.parent for pid in pids})
        for pid in sorted(pids, reverse=True):  # children are younger than their parents
            life = self.lives.pop(pid)
            parent = self.lives.get(life.admitted.parent or 0)
            if parent is not None:
                parent.family_ns += life.cpu_ns + life.unseen_ns + life.family_ns
            assert life.exited is not None
            self.retired.add(life.admitted.name, life.exited.t_ns, life.figures())
        for life in self.lives.values():
            if life.admitted.parent in pass_to:
                life.admitted = replace(life.admitted, parent=pass_to[life.admitted.parent])
        if len(self.slices) > self._slices_until:
            self.slices = [piece for piece in self.slices if piece.pid in self.lives]
            self._slices_until = max(2 * len(self.slices), _MIN_SLICES)

    def _put_right(self, pid: int, life: Life, more_ns: int) -> None:
        """Correct the CPU times of a process's slices by ``more_ns`` after its end. CPU time used after its last slice
        (a late stop, a wakeup noticed late) is added to that slice; an excess is taken from the last slices."""
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
        """Return a snapshot for ``back_to``. Call this only between two instants, not among events of one time."""
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
        """Return an independent history in the state of a mark of this one, which keeps no slices."""
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


#: The handler of each type of event; other events are ignored. A table is used for speed, as three events in four
#: belong to slices, and a run may have millions of them.
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
