"""The multilevel feedback queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sandbox.policies import (
    Clause,
    DescheduledReason,
    Duration,
    Figure,
    Flag,
    ListOf,
    Parameter,
    Policy,
    Queue,
    Ranking,
    ReadyReason,
    Task,
    Whole,
)
from sandbox.policies.base import PREEMPTED
from sandbox.policies.common.ranking import highest_queue

_PREEMPTED_OR_BLOCKED: Collection[DescheduledReason] = ("preempted", "blocked")


class MlfqState:
    """A task's level (0: the highest queue), its place there, the slices that it has left on this level, and the number
    of boosts that it has received."""

    __slots__ = ("boosts", "level", "place", "slices")

    def __init__(self, slices: int, boosts: int) -> None:
        self.level = self.place = 0
        self.slices = slices
        self.boosts = boosts


class MultilevelFeedbackQueue(Policy):
    """The processes of the highest non-empty queue run in turn, one slice each: a new process starts at the top, one
    that has used up its slices on a level moves down to where slices are longer, and every ``boost`` moves all to the
    top.

    Bad when there is no boost and short processes keep arriving (a long one starves at the bottom), or when its many
    parameters are badly chosen; with ``stay``, a process that blocks just before its slice ends keeps the top for
    itself.
    """

    # A running task keeps its place in its queue: a task that comes before it, after a boost or a bump, preempts it.
    # A boost moves only tasks that are not at the top; the others are updated when they are picked or wake up.

    name = "mlfq"
    ties = "requeue-first"
    quanta = Parameter(
        ListOf(Duration("100us", "60s"), 1, 64), ["10ms", "20ms", "40ms"], "the time slice of each level, highest first"
    )
    allotments = Parameter(
        ListOf(Whole(1, 1_000_000), 1, 64), [1], "how many slices each level gives; the last also holds for those below"
    )
    boost = Parameter(Duration("1ms", zero=True), "0ms", "how often all processes return to the top (0 ms: never)")
    stay = Parameter(Flag(), False, "whether blocking gives back the whole slice and all slices of the level")
    io_bump = Parameter(Flag(), False, "whether a process that wakes goes to the head of its queue instead of the tail")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._levels = [Ranking() for _ in self.quanta]  # by place
        self._running: dict[int, Task] = {}
        self._boosts = self._boosted_ns = 0
        self._first = self._last = 0

    @property
    def starves(self) -> bool:
        """Whether a task may starve: it may without boosts."""
        return not self.boost

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """A task that blocks keeps the rest of its slice, unless blocking gives back the whole slice."""
        return PREEMPTED if self.stay else _PREEMPTED_OR_BLOCKED

    def start(self, now_ns: int) -> None:
        self._boosted_ns = now_ns

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        state = self._state(task)
        if reason == "woke" and self.io_bump:
            self._first -= 1
            state.place = self._first
            self.note(Clause("bumped", {"level": state.level}), task)
        elif reason != "preempted":
            self._last += 1
            state.place = self._last
        self._levels[state.level].push(task, state.place)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        for level in self._levels:
            task = level.pop()
            if task is not None:
                self._running[task.pid] = task
                if task.data.boosts != self._boosts:
                    self._lift(task)
                return task
        return None

    def slice(self, task: Task) -> int:
        state: MlfqState = task.data
        return self.quanta[state.level]

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        comer: MlfqState = task.data
        holder: MlfqState = running.data
        return (comer.level, comer.place) < (holder.level, holder.place)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        del self._running[task.pid]
        state: MlfqState = task.data
        if self.stay and task.stopped == "blocked":
            state.slices = self._allotment(state.level)
        if task.left_ns == 0 and task.stopped != "exited":
            state.slices -= 1
            if state.slices == 0:
                self._demote(task)

    def _demote(self, task: Task) -> None:
        state: MlfqState = task.data
        above, state.level = state.level, min(state.level + 1, len(self.quanta) - 1)
        state.slices = self._allotment(state.level)
        if state.level != above:
            self.note(Clause("demoted", {"from": above, "to": state.level}), task)

    def remove(self, task: Task) -> None:
        self._levels[task.data.level].discard(task)

    # The boost

    @property
    def timer_ns(self) -> int | None:
        """When the next boost is due."""
        return self._boosted_ns + self.boost if self.boost else None

    def timer(self, now_ns: int) -> Iterable[Task]:
        self._boosted_ns = now_ns - (now_ns - self._boosted_ns) % self.boost
        self._boosts += 1
        lifted = [task for level in self._levels[1:] for task in level]
        below = [task for task in self._running.values() if task.data.level > 0]
        lowest_queue_first = sorted((*lifted, *below), key=lambda task: (-task.data.level, task.data.place))
        for task in lowest_queue_first:
            self._last += 1
            task.data.place = self._last
        self._levels[1:] = [Ranking() for _ in self.quanta[1:]]
        for task in lifted:
            self._levels[0].push(task, task.data.place)
        for task in (*lifted, *self._running.values()):
            self._lift(task)
        self.note(Clause("boosted", {"lifted": len(lifted) + len(below), "every_ns": self.boost}))
        return lifted

    def _lift(self, task: Task) -> None:
        state: MlfqState = task.data
        state.level, state.slices, state.boosts = 0, self._allotment(0), self._boosts
        if task.left_ns is not None or task.pid in self._running:
            self.renew(task)

    # Levels

    def _state(self, task: Task) -> MlfqState:
        """Return the state of a task, after applying boosts and changes of the levels that it has missed."""
        state: MlfqState | None = task.data
        if state is None:
            state = task.data = MlfqState(self._allotment(0), self._boosts)
        elif state.boosts != self._boosts:
            self._lift(task)
        elif state.level >= len(self.quanta):
            self._fit(state)
        return state

    def _fit(self, state: MlfqState) -> None:
        state.level = min(state.level, len(self.quanta) - 1)
        state.slices = min(state.slices, self._allotment(state.level))

    def _allotment(self, level: int) -> int:
        return self.allotments[min(level, len(self.allotments) - 1)]

    def retune(self, now_ns: int) -> None:
        ready = [task for level in self._levels for task in level]
        self._levels = [Ranking() for _ in self.quanta]
        for task in (*ready, *self._running.values()):
            self._fit(task.data)
        for task in ready:
            self._levels[task.data.level].push(task, task.data.place)

    def why(self, task: Task) -> Clause:
        return highest_queue(task.data.level)

    def queues(self) -> Sequence[Queue]:
        return [
            Queue(Clause("level", {"level": number}), tuple(level), quantum_ns)
            for number, (level, quantum_ns) in enumerate(zip(self._levels, self.quanta, strict=True))
        ]

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"level": task.data.level, "slices": task.data.slices}
