"""Synthetic work as it is declared and as it is done: a few stretches, and how often. Nothing is ever unrolled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, overload

import msgspec


class Segment(msgspec.Struct, frozen=True):
    """A stretch of synthetic work: so much CPU time, so long a wait for I/O, or a wait until so long after the
    process's beginning (the release of its next job)."""

    kind: Literal["cpu", "io", "until"]
    ns: int


class Stretches(Sequence[Segment]):
    """``work`` done ``repeat`` times, neighbours of one kind joined; with a period each time is a job, and a wait for
    its release stands before all but the first. A sequence that weighs what is declared, whatever its length."""

    __slots__ = ("_count", "_cycle", "_first", "_last", "_period_ns")

    def __init__(self, work: Sequence[Segment], repeat: int, period_ns: int | None) -> None:
        once = _joined(work)
        self._period_ns = period_ns
        #: What comes first and is not in each cycle; what is repeated; what the last one is instead.
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
