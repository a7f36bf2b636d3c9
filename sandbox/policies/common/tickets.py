"""A pool of tickets, in which the holder of a drawn ticket is found in log n steps."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.policies.base import Task


class TicketPool:
    """Tasks with their tickets, numbered from 0 through all slots: a Fenwick tree over the slots."""

    def __init__(self) -> None:
        self.total = 0
        self._tasks: list[Task | None] = []
        self._sums: list[int] = [0]  # number i, from 1: the tickets of as many slots up to i as its lowest bit says
        self._slots: dict[int, int] = {}
        self._free: list[int] = []

    def __iter__(self) -> Iterator[Task]:
        """In the order of their tickets."""
        return (task for task in self._tasks if task is not None)

    def put(self, task: Task) -> None:
        """A task and its tickets come in."""
        if self._free:
            slot = self._free.pop()
            self._tasks[slot] = task
        else:
            slot = len(self._tasks)
            self._tasks.append(task)
            self._sums.append(self._before(slot) - self._before(slot + 1 - (slot + 1 & -slot - 1)))
        self._slots[task.pid] = slot
        self._add(slot, task.tickets)

    def take(self, task: Task) -> None:
        """A task and its tickets go, if they are in."""
        slot = self._slots.pop(task.pid, None)
        if slot is not None:
            self._tasks[slot] = None
            self._free.append(slot)
            self._add(slot, -task.tickets)

    def holder(self, ticket: int) -> tuple[Task, int]:
        """Who holds a ticket, and the number of the first one that he holds."""
        slot, left = 0, ticket
        step = 1 << len(self._tasks).bit_length()
        while step:
            if slot + step <= len(self._tasks) and self._sums[slot + step] <= left:
                slot += step
                left -= self._sums[slot]
            step >>= 1
        task = self._tasks[slot]
        assert task is not None, "an empty slot has no tickets"
        return task, ticket - left

    def _before(self, slot: int) -> int:
        """The tickets of all slots before this one."""
        tickets = 0
        while slot:
            tickets += self._sums[slot]
            slot &= slot - 1
        return tickets

    def _add(self, slot: int, tickets: int) -> None:
        self.total += tickets
        node = slot + 1
        while node < len(self._sums):
            self._sums[node] += tickets
            node += node & -node
