"""Measures how far a run on real processes is from the same run in virtual time, by process and by slice.

Slices are matched on each process's own clock, the CPU time that it has used: the ``n``-th millisecond of its work is
the same work on both machines, whenever it was done. Two slices match if each covers more than half of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from sandbox.model.clause import Clause
from sandbox.util.stats import percentile
from sandbox.views.history import History, Life, Slice
from sandbox.views.intervals import BLOCKED, GONE

#: A median error above this share is a defect.
TOLERANCE = 0.02


class ProcessError(NamedTuple):
    """The turnaround of a process in both runs, in ns.

    Waits at its very beginning or end need no CPU in virtual time; a real process must be run to begin them, and once
    more to end after them. These two delays are not counted, see ``_turnaround_ns``.
    """

    name: str
    virtual_ns: int
    real_ns: int

    @property
    def error(self) -> float:
        return abs(self.real_ns - self.virtual_ns) / self.virtual_ns if self.virtual_ns else 0.0


class Match(NamedTuple):
    """A slice in both runs."""

    name: str
    virtual: Slice
    real: Slice

    @property
    def error(self) -> float:
        """The relative error of the CPU time that was used in the slice."""
        return abs(self.real.cpu_ns - self.virtual.cpu_ns) / self.virtual.cpu_ns

    @property
    def drift_ns(self) -> int:
        """By how much later it has begun on the real machine."""
        return self.real.start_ns - self.virtual.start_ns


class Agreement(NamedTuple):
    """The differences between a real run and the virtual one. ``missing``: processes that did not end in both runs;
    ``only_virtual``, ``only_real``: slices without a match; ``endings``: slices that a real process needs to exit after
    its last wait, which a virtual one does not; ``out_of_order``: how many matches are in another order."""

    processes: list[ProcessError]
    missing: list[str]
    matches: list[Match]
    only_virtual: list[Slice]
    only_real: list[Slice]
    endings: list[Slice]
    out_of_order: int

    @property
    def defects(self) -> list[Clause]:
        """The differences that are defects."""
        found = []
        for what, errors in (
            ("turnaround", [process.error for process in self.processes]),
            ("slices", [match.error for match in self.matches]),
        ):
            middle = summary(errors)["median"]
            if middle is not None and middle > TOLERANCE:
                found.append(Clause(f"median error of {what}", {"error": middle, "allowed": TOLERANCE}))
        if self.missing:
            found.append(Clause("processes did not end", {"names": ", ".join(self.missing)}))
        if self.only_virtual or self.only_real:
            figures = {"only_virtual": len(self.only_virtual), "only_real": len(self.only_real)}
            crumbs_ns = sum(piece.cpu_ns for piece in self.only_real)
            found.append(Clause("slices do not match", {**figures, "matched": len(self.matches), "real_ns": crumbs_ns}))
        if self.out_of_order:
            found.append(Clause("slices out of order", {"number": self.out_of_order}))
        return found

    def document(self) -> dict[str, Any]:
        """Return the JSON document; errors are shares, times in ns."""
        return {
            "processes": [{**process._asdict(), "error": process.error} for process in self.processes],
            "missing": self.missing,
            "turnaround_error": summary([process.error for process in self.processes]),
            "slice_error": summary([match.error for match in self.matches]),
            "drift_ns": summary([float(abs(match.drift_ns)) for match in self.matches]),
            "slices": {
                "matched": len(self.matches),
                "only_virtual": len(self.only_virtual),
                "only_real": len(self.only_real),
                "endings": len(self.endings),
                "out_of_order": self.out_of_order,
            },
            "defects": [{"rule": defect.rule, "figures": defect.figures} for defect in self.defects],
        }


def compare(virtual: History, real: History) -> Agreement:
    """Compare two runs of one scenario under one policy."""
    pairs = [*_pairs(virtual, real)]
    ended = [
        ProcessError(one.admitted.name, one.exited.t_ns - one.admitted.t_ns, _turnaround_ns(one, other))
        for one, other in pairs
        if one.exited and other.exited
    ]
    known = {process.name for process in ended}
    everyone = [life.admitted.name for life in virtual.lives.values()]
    matches: list[Match] = []
    only_virtual: list[Slice] = []
    only_real: list[Slice] = []
    endings: list[Slice] = []
    for one, other in pairs:
        ours, theirs = _slices(virtual, one), _slices(real, other)
        found = [*_match(ours, theirs)]
        matches += [Match(one.admitted.name, ours[index], theirs[at]) for index, at in found]
        only_virtual += _others(ours, [index for index, _ in found])
        begin = _ending(ours, theirs, found)
        endings += theirs[begin:]
        only_real += _others(theirs[:begin], [at for _, at in found])
    matches.sort(key=lambda match: match.virtual.start_ns)
    alone = virtual.booted is None or virtual.booted.cpus == 1  # several CPUs begin slices at one instant
    swapped = sum(later.real.start_ns < earlier.real.start_ns for earlier, later in pairwise(matches)) if alone else 0
    missing = [name for name in everyone if name not in known]
    return Agreement(
        processes=ended,
        missing=missing,
        matches=matches,
        only_virtual=only_virtual,
        only_real=only_real,
        endings=endings,
        out_of_order=swapped,
    )


def summary(values: Sequence[float]) -> dict[str, float | None]:
    """Return the median, p95 and max; None for each if there are no values."""
    if not values:
        return {"median": None, "p95": None, "max": None}
    ordered = sorted(values)
    return {"median": median(ordered), "p95": percentile(ordered, 0.95), "max": ordered[-1]}


def _pairs(virtual: History, real: History) -> Iterator[tuple[Life, Life]]:
    """Yield each process of the scenario with its lives in both runs."""
    others = {life.admitted.order: life for life in real.lives.values() if life.admitted.order is not None}
    for life in virtual.lives.values():
        if life.admitted.order in others:
            yield life, others[life.admitted.order]


def _turnaround_ns(virtual: Life, real: Life) -> int:
    """Return the turnaround of the real process, counted from the beginning of its first wait if the virtual one begins
    with a wait, and to the end of its last wait if the virtual one ends with a wait."""
    assert real.exited is not None
    begin_ns, end_ns = real.admitted.t_ns, real.exited.t_ns
    waits = [index for index, where in enumerate(real.track.values) if where == BLOCKED]
    stays = [where for where in virtual.track.values if where != GONE]
    if waits and stays and stays[0] == BLOCKED:
        begin_ns = real.track.times[waits[0]]
    if waits and stays and stays[-1] == BLOCKED:
        end_ns = real.track.end_ns(waits[-1], end_ns)
    return end_ns - begin_ns


def _slices(history: History, life: Life) -> list[Slice]:
    """Return the slices of a process in which it has used CPU time."""
    return [piece for piece in history.slices if piece.pid == life.admitted.pid and piece.cpu_ns > 0]


def _match(ours: Sequence[Slice], theirs: Sequence[Slice]) -> Iterator[tuple[int, int]]:
    """Yield the indices of slices that match, in one pass over both lists along the process's CPU time."""
    at = 0
    ours_ns = theirs_ns = 0
    for index, mine in enumerate(ours):
        end_ns = ours_ns + mine.cpu_ns
        while at < len(theirs) and theirs_ns < end_ns:
            other = theirs[at]
            shared_ns = min(end_ns, theirs_ns + other.cpu_ns) - max(ours_ns, theirs_ns)
            if shared_ns * 2 > max(mine.cpu_ns, other.cpu_ns):
                yield index, at
            if theirs_ns + other.cpu_ns > end_ns:
                break  # it overlaps with our next one
            theirs_ns += other.cpu_ns
            at += 1
        ours_ns = end_ns


def _others(pieces: Sequence[Slice], matched: Sequence[int]) -> list[Slice]:
    taken = set(matched)
    return [piece for index, piece in enumerate(pieces) if index not in taken]


def _ending(ours: Sequence[Slice], theirs: Sequence[Slice], found: Sequence[tuple[int, int]]) -> int:
    """Return the index of the first slice in which a real process only exits; the number of slices if there is none."""
    waits_last = bool(ours) and ours[-1].reason == "blocked"
    if waits_last and found and found[-1][0] == len(ours) - 1:
        return found[-1][1] + 1
    return len(theirs)
