"""Deadlines of jobs. They are watched under every policy, and a miss is recorded at the deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from sandbox.kernel.process import Cpu, Process


class Deadlines:
    """A heap of deadlines. The entry of a job that is done in time stays, and is skipped later."""

    def __init__(self) -> None:
        #: The deadline, the pid and the process; empty as long as no job has a deadline.
        self.heap: list[tuple[int, int, Process]] = []
        self._watched: dict[int, int] = {}  # the last deadline that was added, by pid

    def watch(self, process: Process) -> None:
        """Add the deadline of the current job of a process, if it has one that was not added before."""
        due_ns = process.due_ns
        if due_ns is not None and self._watched.get(process.pid) != due_ns:
            self._watched[process.pid] = due_ns
            heappush(self.heap, (due_ns, process.pid, process))

    @property
    def next_ns(self) -> int | None:
        """The earliest deadline of a job that is not done yet; None if there is none."""
        while self.heap and self.heap[0][2].due_ns != self.heap[0][0]:
            heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def earliest(self, now_ns: int, timer_ns: int | None, cpus: Iterable[Cpu]) -> int | None:
        """Return when the kernel has to be called at the latest: for the policy's timer, a deadline, or the end of a
        slice; None if none of them is set."""
        earliest_ns = timer_ns
        if self.heap:
            due_ns = self.next_ns
            if due_ns is not None and (earliest_ns is None or due_ns < earliest_ns):
                earliest_ns = due_ns
        if earliest_ns is not None and earliest_ns < now_ns:
            earliest_ns = now_ns
        for cpu in cpus:
            if cpu.slice_end_ns is not None and (earliest_ns is None or cpu.slice_end_ns < earliest_ns):
                earliest_ns = cpu.slice_end_ns
        return earliest_ns

    def missed(self, now_ns: int) -> Iterator[Process]:
        """Remove and yield the processes whose jobs are due by now and not done."""
        while (due_ns := self.next_ns) is not None and due_ns <= now_ns:
            yield heappop(self.heap)[2]
