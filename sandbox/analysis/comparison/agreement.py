"""How far a run on real processes is from the same run in virtual time: per process, and slice by slice.

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

#: A median error above this is a defect.
TOLERANCE = 0.02


class ProcessError(NamedTuple):
    """A process that ended in both runs: its turnaround in each, in ns.

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
        """Of the CPU time that was used in it."""
        return abs(self.real.cpu_ns - self.virtual.cpu_ns) / self.virtual.cpu_ns

    @property
    def drift_ns(self) -> int:
        """How much later it began on the real machine."""
        return self.real.start_ns - self.virtual.start_ns


class Agreement(NamedTuple):
    """A real run beside its virtual one. ``missing``: processes that did not end in both. ``only_virtual``,
    ``only_real``: slices that have no match; ``endings``: those that a real process needs after its last wait, where a
    virtual one just ends."""

    processes: list[ProcessError]
    missing: list[str]
    matches: list[Match]
    only_virtual: list[Slice]
    only_real: list[Slice]
    endings: list[Slice]
    out_of_order: int

    @property
    def defects(self) -> list[Clause]:
        """What is wrong with the agreement."""
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
        """As JSON carries it; errors are shares, times in ns."""
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
    """The agreement of two runs of one scenario under one policy."""
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
    """Median, p95 and max; None for no values."""
    if not values:
        return {"median": None, "p95": None, "max": None}
    ordered = sorted(values)
    return {"median": median(ordered), "p95": percentile(ordered, 0.95), "max": ordered[-1]}


def _pairs(virtual: History, real: History) -> Iterator[tuple[Life, Life]]:
    """Each process of the scenario in both runs."""
    others = {life.admitted.order: life for life in real.lives.values() if life.admitted.order is not None}
    for life in virtual.lives.values():
        if life.admitted.order in others:
            yield life, others[life.admitted.order]


def _turnaround_ns(virtual: Life, real: Life) -> int:
    """That of the real process, from the beginning of its first wait if the virtual one begins with a wait, and to the
    end of its last one if that ends with one."""
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
    """A process's slices in which it did anything."""
    return [piece for piece in history.slices if piece.pid == life.admitted.pid and piece.cpu_ns > 0]


def _match(ours: Sequence[Slice], theirs: Sequence[Slice]) -> Iterator[tuple[int, int]]:
    """The indices of slices that match. Both lists are walked along the process's CPU time, once."""
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
                break  # it reaches into our next one
            theirs_ns += other.cpu_ns
            at += 1
        ours_ns = end_ns


def _others(pieces: Sequence[Slice], matched: Sequence[int]) -> list[Slice]:
    taken = set(matched)
    return [piece for index, piece in enumerate(pieces) if index not in taken]


def _ending(ours: Sequence[Slice], theirs: Sequence[Slice], found: Sequence[tuple[int, int]]) -> int:
    """Where the slices begin in which a real process but ends; behind the last slice where there are none."""
    waits_last = bool(ours) and ours[-1].reason == "blocked"
    if waits_last and found and found[-1][0] == len(ours) - 1:
        return found[-1][1] + 1
    return len(theirs)
