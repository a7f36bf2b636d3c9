"""Counts of the transitions between process states, for the state diagram, folded from events.

A pause of the machine is no transition: its clock stands still, and a process that was RUNNING goes on."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

from sandbox.model.events import Admitted, Blocked, Descheduled, Dispatched, Event, Exited, Ready
from sandbox.model.states import State

#: The transitions by name, each with its states before and after.
TRANSITIONS = {
    "admitted": (State.NEW, State.READY),
    "admitted waiting": (State.NEW, State.BLOCKED),
    "dispatched": (State.READY, State.RUNNING),
    "expired": (State.RUNNING, State.READY),
    "preempted": (State.RUNNING, State.READY),
    "yielded": (State.RUNNING, State.READY),
    "blocked": (State.RUNNING, State.BLOCKED),
    "woke": (State.BLOCKED, State.READY),
    "stopped": (State.RUNNING, State.STOPPED),
    "stopped while blocked": (State.BLOCKED, State.STOPPED),
    "continued": (State.STOPPED, State.READY),
    "continued to wait": (State.STOPPED, State.BLOCKED),
    "exited": (State.RUNNING, State.EXITED),
    "killed": (State.RUNNING, State.EXITED),
    "killed while ready": (State.READY, State.EXITED),
    "exited while ready": (State.READY, State.EXITED),
    "killed while blocked": (State.BLOCKED, State.EXITED),
    "exited while blocked": (State.BLOCKED, State.EXITED),
    "killed while stopped": (State.STOPPED, State.EXITED),
    "exited while stopped": (State.STOPPED, State.EXITED),
}
_PLACES = {name: place for place, name in enumerate(TRANSITIONS)}
_WHILE = {State.READY: " while ready", State.BLOCKED: " while blocked", State.STOPPED: " while stopped"}
#: The most moves kept to show what led to the last one.
_RECENT = 16


class Move(NamedTuple):
    """A transition that a process has made, and its event."""

    pid: int
    transition: str
    event: Event


class Transitions:
    """The counts of all transitions, per process and in total, and the last moves."""

    def __init__(self) -> None:
        #: The last move of each process, by pid.
        self.last: dict[int, Move] = {}
        #: The last dispatch of each process, by pid.
        self.dispatched: dict[int, Dispatched] = {}
        #: The moves that led to the last decision, and those after it, newest last.
        self.recent: deque[Move] = deque(maxlen=_RECENT)
        #: The processes that were RUNNING when the machine paused and have not gone on yet.
        self.held: set[int] = set()
        self._all = _none()
        self._each: dict[int, array[int]] = {}

    def count(self, transition: str, pid: int | None = None) -> int:
        """Return how often a process has made a transition; ``pid`` None: how often all processes have."""
        counts = self._all if pid is None else self._each.get(pid)
        return 0 if counts is None else counts[_PLACES[transition]]

    def apply(self, event: Event) -> None:
        """Apply the next event, of any type."""
        match event:  # the most frequent events come first
            case Dispatched(pid=pid):
                if pid in self.held:
                    self.held.discard(pid)
                else:
                    self.dispatched[pid] = event
                    self._move(pid, "dispatched", event)
            case Descheduled(pid=pid, reason=reason):
                if reason == "paused":
                    self.held.add(pid)
            case Ready(pid=pid, reason=reason):
                if pid not in self.held:
                    stopped = reason == "woke" and self._state(pid) is State.STOPPED
                    self._move(pid, "continued" if stopped else reason, event)
            case Blocked(pid=pid, again=again):
                self._wait(pid, event, again)
            case Admitted(pid=pid):
                self._each[pid] = _none()
            case Exited(pid=pid, signal=signal):
                self.held.discard(pid)
                before = _WHILE.get(self._state(pid), "")
                self._move(pid, ("exited" if signal is None else "killed") + before, event)

    def forget(self, pids: Iterable[int]) -> None:
        """Forget processes, except in the totals."""
        for pid in pids:
            self.dispatched.pop(pid, None)
            del self.last[pid], self._each[pid]

    def copy(self) -> Transitions:
        """Return an independent copy."""
        diagram = copy(self)
        diagram.last, diagram.dispatched = self.last.copy(), self.dispatched.copy()
        diagram.recent = self.recent.copy()
        diagram._all = self._all[:]
        diagram._each = {pid: counts[:] for pid, counts in self._each.items()}
        diagram.held = self.held.copy()
        return diagram

    @property
    def has_stops(self) -> bool:
        """Whether any process was ever stopped, which happens in few runs."""
        return bool(self.count("stopped") or self.count("stopped while blocked"))

    def _state(self, pid: int) -> State:
        move = self.last.get(pid)
        return State.NEW if move is None else TRANSITIONS[move.transition][1]

    def _wait(self, pid: int, event: Blocked, again: bool) -> None:
        """Apply a ``Blocked`` event. ``again``: the process was already waiting or stopped."""
        if not again:
            usual = "stopped" if event.is_stop else "blocked"
            self._move(pid, usual if pid in self.last else "admitted waiting", event)
        elif event.is_stop is not (self._state(pid) is State.STOPPED):
            self._move(pid, "stopped while blocked" if event.is_stop else "continued to wait", event)

    def _move(self, pid: int, transition: str, event: Event) -> None:
        before = self.recent[-1] if self.recent else None
        if before is not None and before.transition == "dispatched" and before.event.t_ns < event.t_ns:
            self.recent.clear()
        self.last[pid] = move = Move(pid, transition, event)
        self.recent.append(move)
        place = _PLACES[transition]
        self._all[place] += 1
        self._each[pid][place] += 1


def _none() -> array[int]:
    return array("q", [0] * len(TRANSITIONS))
