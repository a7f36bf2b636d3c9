"""Policies that keep READY tasks sorted by a rank, the smallest first, in O(log n) per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from heapq import heapify, heappop, heappush
from typing import Any

from sandbox.model.clause import Clause
from sandbox.model.reasons import ReadyReason
from sandbox.policies.base import READY, Policy, Queue, Task

#: Anything that can be compared: a number, a tuple.
Rank = Any


class Ranking:
    """Tasks sorted by rank; equal ones in the order of arrival, unless pushed at the head."""

    def __init__(self) -> None:
        #: Rank, place among equals, the number of the move (so that tasks are never compared), task (None: removed).
        self._heap: list[list[Any]] = []
        self._entries: dict[int, list[Any]] = {}
        self._first = self._last = self._moves = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, task: Task) -> bool:
        return task.pid in self._entries

    def __iter__(self) -> Iterator[Task]:
        """Iterate over the tasks, the best first."""
        return (entry[3] for entry in sorted(self._entries.values()))

    def push(self, task: Task, rank: Rank, head: bool = False) -> None:
        """Add a task behind those of equal rank, or before them."""
        if head:
            self._first -= 1
            place = self._first
        else:
            self._last += 1
            place = self._last
        entry = [rank, place, 0, task]
        self._entries[task.pid] = entry
        heappush(self._heap, entry)

    def pop(self) -> Task | None:
        """Remove and return the best task; None if there is none."""
        while self._heap:
            task: Task | None = heappop(self._heap)[3]
            if task is not None:
                del self._entries[task.pid]
                return task
        return None

    def peek(self) -> Task | None:
        """Return the best task; None if there is none."""
        while self._heap:
            task: Task | None = self._heap[0][3]
            if task is not None:
                return task
            heappop(self._heap)
        return None

    def discard(self, task: Task) -> None:
        """Remove a task, if it is there."""
        entry = self._entries.pop(task.pid, None)
        if entry is not None:
            entry[3] = None
            self._tidy()

    def move(self, task: Task, rank: Rank) -> None:
        """Change the rank of a task, which keeps its place among equals."""
        entry = self._entries[task.pid]
        self._moves += 1
        moved = [rank, entry[1], self._moves, task]
        entry[3] = None
        self._entries[task.pid] = moved
        heappush(self._heap, moved)
        self._tidy()

    def rank_anew(self, rank: Callable[[Task], Rank]) -> None:
        """Recompute the rank of all tasks."""
        self._heap = [*self._entries.values()]
        for entry in self._heap:
            entry[0] = rank(entry[3])
        heapify(self._heap)

    def _tidy(self) -> None:
        if len(self._heap) > 2 * len(self._entries) + 16:  # more removed entries than tasks
            self._heap = [*self._entries.values()]
            heapify(self._heap)


class Ranked(Policy):
    """The smallest ``rank`` runs first, until it blocks; what is made ready later waits its turn."""

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self.ready = Ranking()

    def rank(self, task: Task) -> Rank:
        """Return the rank of a task; the smallest runs first. It must not change while the task is READY."""
        raise NotImplementedError

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self.ready.push(task, self.rank(task), head=reason == "preempted")

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        return self.ready.pop()

    def remove(self, task: Task) -> None:
        self.ready.discard(task)

    def retune(self, now_ns: int) -> None:
        self.ready.rank_anew(self.rank)

    def queues(self) -> Sequence[Queue]:
        return [Queue(READY, tuple(self.ready))]


class RankedPreemptive(Ranked):
    """The smallest ``rank`` runs, and takes the CPU at once from a greater one; the running task keeps ties."""

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return bool(self.rank(task) < self.rank(running))


@cache
def highest_queue(level: int) -> Clause:
    """Return the reason of a pick for policies that serve their queues from high to low."""
    return Clause("highest non-empty queue", {"level": level})


def by_level(tasks: Ranking, level: Callable[[Task], int]) -> dict[int, list[Task]]:
    """Group tasks by level, the first level first."""
    levels: dict[int, list[Task]] = {}
    for task in tasks:
        levels.setdefault(level(task), []).append(task)
    return dict(sorted(levels.items()))
