"""Where a process is in the work that it declares: which CPU burst is in hand, and which wait ends a job."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.model.spec import Segment


class Course:
    """The CPU bursts of synthetic work, each ended by a wait, the last one by the end of the process.

    The bursts of a real process are never as long as declared, to the nanosecond, and some waits are too short to be
    noticed: a wait ends the burst whose end is nearest to the CPU time used.
    """

    __slots__ = ("_ends", "_index", "_jobs")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._index = 0
        #: The CPU time used at the end of each burst, and whether the wait after it is for the next job's release.
        self._ends: list[int] = []
        self._jobs: list[bool] = []
        total_ns = 0
        for segment in segments:
            if segment.kind == "cpu":
                total_ns += segment.ns
            else:
                self._ends.append(total_ns)
                self._jobs.append(segment.kind == "until")
        self._ends.append(total_ns)

    @property
    def burst_ns(self) -> int | None:
        """The declared length of the burst in hand, or to come; None: there is none left."""
        if self._index >= len(self._ends):
            return None
        return self._ends[self._index] - self._before

    @property
    def _before(self) -> int:
        return self._ends[self._index - 1] if self._index else 0

    def wait(self, cpu_ns: int) -> int:
        """The process waits, having used so much CPU time. Returns how many jobs it has ended since its last wait, if
        the last of them by this one; else 0."""
        ends, index, last = self._ends, self._index, len(self._ends) - 1
        if index >= last or 2 * cpu_ns < self._before + ends[index]:
            return 0  # nothing that it has declared
        first = index
        while index + 1 < last and 2 * cpu_ns > ends[index] + ends[index + 1]:
            index += 1
        self._index = index + 1
        return sum(self._jobs[first : index + 1]) if self._jobs[index] else 0
