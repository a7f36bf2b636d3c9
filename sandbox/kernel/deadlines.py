"""Deadlines of jobs, watched under every policy: whoever misses one is put on record when it is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from sandbox.kernel.process import Cpu, Process


class Deadlines:
    """A heap of what is due when. A job that is done in time leaves its entry behind, which is skipped later."""

    def __init__(self) -> None:
        #: When due, pid, whose; empty as long as no job has a deadline.
        self.heap: list[tuple[int, int, Process]] = []
        self._watched: dict[int, int] = {}  # by pid: the deadline that was watched last

    def watch(self, process: Process) -> None:
        """The job that a process has in hand, unless it has no deadline or is watched already."""
        due_ns = process.due_ns
        if due_ns is not None and self._watched.get(process.pid) != due_ns:
            self._watched[process.pid] = due_ns
            heappush(self.heap, (due_ns, process.pid, process))

    @property
    def next_ns(self) -> int | None:
        """When the next job that is not done yet is due; None: there is none."""
        while self.heap and self.heap[0][2].due_ns != self.heap[0][0]:
            heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def earliest(self, now_ns: int, timer_ns: int | None, cpus: Iterable[Cpu]) -> int | None:
        """When the first of all this is due: the policy's timer, a job, the end of a slice; None: nothing ever is."""
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
        """Processes whose job is due by now, and not done."""
        while (due_ns := self.next_ns) is not None and due_ns <= now_ns:
            yield heappop(self.heap)[2]
