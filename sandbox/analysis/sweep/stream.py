"""Makes the rows of a plan as a stream: a bounded number of chunks is in flight, and rows come in the plan's order.

A million rows need no more memory than a thousand: later ones are not generated yet, and earlier ones are written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from sandbox.analysis.sweep import messages
from sandbox.analysis.sweep.bench import CannotWork, OtherVersion, run_chunk
from sandbox.analysis.sweep.executors import AnyFuture, Unavailable, Workplace, other_version, submit, wait_for
from sandbox.analysis.sweep.messages import Row
from sandbox.analysis.sweep.plan import Plan
from sandbox.analysis.sweep.run import failure
from sandbox.model.clause import Clause
from sandbox.util.refusals import explained

#: The intended duration of a chunk: short enough to wait for, and long compared with the cost of submitting it.
_CHUNK_S = 0.25
_FIRST_ROWS, _MAX_ROWS = 2, 500
#: Chunks in flight for each slot of the workplace.
_AHEAD = 3


class Given(NamedTuple):
    """A chunk that was submitted."""

    rows: list[Row]
    future: AnyFuture


class Stream:
    """The rows of a plan, made at a workplace."""

    def __init__(self, plan: Plan, place: Workplace) -> None:
        self._plan, self._place = plan, place
        self._row_s: float | None = None

    def rows(self, missing: Iterable[Row]) -> Iterator[bytes]:
        """Make these runs, and yield a line for each in order. Raises Unavailable."""
        todo = iter(missing)
        given: deque[Given] = deque()
        while True:
            while len(given) < self._place.slots * _AHEAD and (rows := [*islice(todo, self._size())]):
                given.append(self._give(rows))
            if not given:
                return
            yield from self._taken(given.popleft())

    def _size(self) -> int:
        """Return the number of rows of the next chunk, given how long rows have taken so far."""
        if self._row_s is None:
            return _FIRST_ROWS
        return min(max(round(_CHUNK_S / max(self._row_s, 1e-6)), 1), _MAX_ROWS)

    def _give(self, rows: list[Row]) -> Given:
        return Given(rows, submit(self._place, run_chunk, messages.encode(self._plan.chunk(rows))))

    def _taken(self, given: Given) -> Iterator[bytes]:
        """Yield the lines of a chunk. If its worker has died, each row is tried once more by itself."""
        try:
            wait_for(self._place, given.future)
            done = given.future.result()
        except CannotWork as bad:
            raise Unavailable(_useless(bad)) from None
        except Unavailable:
            raise
        except Exception as error:  # a Dask worker has died too often, or cannot decode the work
            self._place.check()
            self._place.verify()
            if len(given.rows) > 1:
                for again in [self._give([row]) for row in given.rows]:
                    yield from self._taken(again)
                return
            reason = explained(error) if isinstance(error, OSError) else type(error).__name__
            what = Clause("worker died", {"reason": reason})
            alone = self._plan.chunk(given.rows)
            yield failure(alone, alone.rows[0], what)
            return
        pace = done.seconds / len(done.rows)
        self._row_s = pace if self._row_s is None else (self._row_s + pace) / 2
        yield from done.rows


def _useless(bad: CannotWork) -> Clause:
    if isinstance(bad, OtherVersion):
        return other_version(None, str(bad))
    return Clause("no worker begins", {"reason": str(bad)})
