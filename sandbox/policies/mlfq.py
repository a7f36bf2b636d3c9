"""The multilevel feedback queue."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sandbox.events import Clause, DescheduledReason, Figure, ReadyReason
from sandbox.kinds import Duration, Flag, ListOf, Whole
from sandbox.policies.base import PREEMPTED, Parameter, Queue, Task
from sandbox.policies.ranking import RankedPreemptive, by_level

_PREEMPTED_OR_BLOCKED: Collection[DescheduledReason] = ("preempted", "blocked")


class Standing:
    """Where a task stands: its level (0 is the highest queue), its place there, the slices that are left to it on this
    level, and how many boosts it has had."""

    __slots__ = ("boosts", "level", "place", "slices")

    def __init__(self, slices: int, boosts: int) -> None:
        self.level = self.place = 0
        self.slices = slices
        self.boosts = boosts


class MultilevelFeedbackQueue(RankedPreemptive):
    """The highest non-empty queue runs, one slice each in turn: a new process starts at the top, one that has used up
    its slices on a level moves down to where slices are longer, and every ``boost`` lifts all to the top.

    Bad when there is no boost and short ones keep coming (a long one starves at the bottom), and when its many knobs
    are set wrong; with ``stay`` a process that blocks just before its slice ends keeps the top for itself.
    """

    # A running task keeps its place in its queue: who stands before it, after a boost or a bump, takes over.

    name = "mlfq"
    ties = "requeue-first"
    quanta = Parameter(
        ListOf(Duration("100us", "60s"), 1, 64), ["10ms", "20ms", "40ms"], "the time slice of each level, highest first"
    )
    allotments = Parameter(
        ListOf(Whole(1, 1_000_000), 1, 64), [1], "how many slices each level gives; the last also holds for those below"
    )
    boost = Parameter(Duration("1ms", zero=True), "0ms", "how often all return to the top; 0 ms: never")
    stay = Parameter(Flag(), False, "whether blocking gives back the whole slice and all slices of the level")
    io_bump = Parameter(Flag(), False, "whether one that wakes goes to the head of its queue instead of the tail")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._running: dict[int, Task] = {}
        self._boosts = self._boosted_ns = 0
        self._first = self._last = 0

    @property
    def starves(self) -> bool:  # type: ignore[override]
        """Without boosts it may."""
        return not self.boost

    def rank(self, task: Task) -> tuple[int, int]:
        return task.own.level, task.own.place

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:  # type: ignore[override]
        """Blocking keeps what is left of the slice, unless it gives back all of it."""
        return PREEMPTED if self.stay else _PREEMPTED_OR_BLOCKED

    def start(self, now_ns: int) -> None:
        self._boosted_ns = now_ns

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        standing = self._standing(task)
        if reason == "woke" and self.io_bump:
            self._first -= 1
            standing.place = self._first
            self.note(Clause("bumped", {"level": standing.level}), task)
        elif reason != "preempted":
            self._last += 1
            standing.place = self._last
        super().enqueue(task, reason, now_ns)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        task = super().pick(cpu, now_ns)
        if task is not None:
            self._running[task.pid] = task
        return task

    def slice(self, task: Task) -> int:
        standing: Standing = task.own
        return self.quanta[standing.level]

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        del self._running[task.pid]
        standing: Standing = task.own
        if self.stay and task.stopped == "blocked":
            standing.slices = self._allotment(standing.level)
        if task.left_ns == 0 and task.stopped != "exited":
            standing.slices -= 1
            if standing.slices == 0:
                self._demote(task)

    def _demote(self, task: Task) -> None:
        standing: Standing = task.own
        below = min(standing.level + 1, len(self.quanta) - 1)
        if below != standing.level:
            self.note(Clause("demoted", {"from": standing.level, "to": below}), task)
        standing.level = below
        standing.slices = self._allotment(below)

    # The boost

    @property
    def timer_ns(self) -> int | None:  # type: ignore[override]
        """When the next boost is due."""
        return self._boosted_ns + self.boost if self.boost else None

    def timer(self, now_ns: int) -> None:
        self._boosted_ns = now_ns - (now_ns - self._boosted_ns) % self.boost
        self._boosts += 1
        everyone = [*self.ready, *self._running.values()]
        for task in sorted(everyone, key=lambda task: (-task.own.level, task.own.place)):
            if task.own.level > 0:  # the lowest queue first
                self._last += 1
                task.own.place = self._last
            self._lift(task)
        self.ready.rank_anew(self.rank)
        if everyone:
            self.note(Clause("boosted", {"processes": len(everyone), "every_ns": self.boost}))

    def _lift(self, task: Task) -> None:
        standing: Standing = task.own
        standing.level, standing.slices, standing.boosts = 0, self._allotment(0), self._boosts
        self.desk.renew(task)

    def _standing(self, task: Task) -> Standing:
        """Where it stands; what it missed while it was blocked, a boost or a change of the levels, is made up for."""
        if task.own is None:
            task.own = Standing(self._allotment(0), self._boosts)
        standing: Standing = task.own
        if standing.boosts != self._boosts:
            self._lift(task)
        elif standing.level >= len(self.quanta):
            self._fit(standing)
        return standing

    # Levels

    def _allotment(self, level: int) -> int:
        return self.allotments[min(level, len(self.allotments) - 1)]

    def _fit(self, standing: Standing) -> None:
        standing.level = min(standing.level, len(self.quanta) - 1)
        standing.slices = min(standing.slices, self._allotment(standing.level))

    def retune(self, now_ns: int) -> None:
        for task in (*self.ready, *self._running.values()):
            self._fit(task.own)
        super().retune(now_ns)

    def why(self, task: Task) -> Clause:
        return Clause("highest non-empty queue", {"level": task.own.level})

    def queues(self) -> Sequence[Queue]:
        levels = by_level(self.ready, lambda task: self.rank(task)[0])
        return [
            Queue(Clause("level", {"level": level}), levels.get(level, ()), quantum_ns)
            for level, quantum_ns in enumerate(self.quanta)
        ]

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"level": task.own.level, "slices": task.own.slices}
