"""A pool of tickets that finds the holder of a ticket in O(log n)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.policies.base import Task


class TicketPool:
    """Tasks with their tickets, which are numbered from 0 over all slots. A Fenwick tree sums the tickets of slots."""

    def __init__(self) -> None:
        self.total = 0
        self._tasks: list[Task | None] = []
        self._sums: list[int] = [0]  # entry i, from 1, sums the last (i & -i) slots up to slot i - 1
        self._slots: dict[int, int] = {}
        self._free: list[int] = []

    def __iter__(self) -> Iterator[Task]:
        """Iterate over the tasks in the order of their tickets."""
        return (task for task in self._tasks if task is not None)

    def put(self, task: Task) -> None:
        """Add a task with its tickets."""
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
        """Remove a task with its tickets, if it is there."""
        slot = self._slots.pop(task.pid, None)
        if slot is not None:
            self._tasks[slot] = None
            self._free.append(slot)
            self._add(slot, -task.tickets)

    def holder(self, ticket: int) -> tuple[Task, int]:
        """Return the holder of a ticket, and the number of the holder's first ticket."""
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
        """Return the number of tickets in all slots before this one."""
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
