"""Synthetic work: a few segments and how often they are repeated, without ever storing the repetitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, overload

import msgspec


class Segment(msgspec.Struct, frozen=True):
    """A stretch of synthetic work, in ns: CPU time to use ("cpu"), a wait for I/O ("io"), or a wait until that long
    after the process's arrival, for the release of its next job ("until")."""

    kind: Literal["cpu", "io", "until"]
    ns: int


class Stretches(Sequence[Segment]):
    """The sequence of segments of ``work`` done ``repeat`` times, with adjacent ones of the same kind joined. With a
    period each time is a job, and all but the first are preceded by a wait for their release. The memory used does not
    depend on ``repeat``."""

    __slots__ = ("_count", "_cycle", "_first", "_last", "_period_ns")

    def __init__(self, work: Sequence[Segment], repeat: int, period_ns: int | None) -> None:
        once = _joined(work)
        self._period_ns = period_ns
        #: The first and last segments where they differ from those of the repeated cycle.
        self._first: Segment | None = None
        self._last: Segment | None = None
        if not once:
            self._cycle, self._count = once, 0
        elif period_ns is not None:
            self._cycle = [*once, Segment("until", period_ns)]
            self._count = len(self._cycle) * repeat - 1
        elif len(once) == 1:
            self._cycle, self._count = [Segment(once[0].kind, once[0].ns * repeat)], 1
        elif once[0].kind == once[-1].kind:
            self._first, self._last = once[0], once[-1]
            self._cycle = [*once[1:-1], Segment(once[0].kind, once[-1].ns + once[0].ns)]
            self._count = len(self._cycle) * repeat + 1
        else:
            self._cycle, self._count = once, len(once) * repeat

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Segment]: ...
    def __getitem__(self, index: int | slice) -> Segment | list[Segment]:
        if isinstance(index, slice):
            return [self._at(place) for place in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._at(index % self._count)

    def __iter__(self) -> Iterator[Segment]:
        return map(self._at, range(self._count))

    def _at(self, index: int) -> Segment:
        if self._first is not None:
            if index == 0:
                return self._first
            index -= 1
            if self._last is not None and index == self._count - 2:
                return self._last
        job, place = divmod(index, len(self._cycle))
        segment = self._cycle[place]
        if segment.kind == "until":
            return Segment("until", (job + 1) * segment.ns)
        return segment


def _joined(work: Sequence[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in work:
        if joined and joined[-1].kind == segment.kind:
            joined[-1] = Segment(segment.kind, joined[-1].ns + segment.ns)
        else:
            joined.append(segment)
    return joined
