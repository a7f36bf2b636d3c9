"""Checks the claims of a lesson against a run."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sandbox.model.claims import AnyClaim, Compares, Happening, Happens, InOrder, is_figure, read_value
from sandbox.model.clause import Clause
from sandbox.views.figures import Figure
from sandbox.views.tracker import LessonTracker

_SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


class Verdict(NamedTuple):
    """The result of checking a claim: whether it held, and what was found."""

    claim: AnyClaim
    held: bool
    found: Clause


def happenings(claims: Iterable[AnyClaim]) -> list[Happening]:
    """Return the happenings in the given claims, which have to be tracked during the run."""
    found: list[Happening] = []
    for claim in claims:
        if isinstance(claim, Happens):
            found.append(claim.happening)
        elif isinstance(claim, InOrder):
            found += claim.happenings
    return found


def judge(claims: Iterable[AnyClaim], tracker: LessonTracker, known: Mapping[str, Figure]) -> list[Verdict]:
    """Check each claim against a finished run. ``known``: the figures of the run."""
    return [_judge(claim, tracker, known) for claim in claims]


def _judge(claim: AnyClaim, tracker: LessonTracker, known: Mapping[str, Figure]) -> Verdict:
    match claim:
        case Happens(happening=happening, least=least, most=most):
            times = tracker.times[happening]
            held = times.number >= least and (most is None or times.number <= most)
            if times.first_ns is None:
                return Verdict(claim, held, Clause("never"))
            return Verdict(claim, held, Clause("times", {"number": times.number, "first_ns": times.first_ns}))
        case InOrder(happenings=happenings):
            at_ns = [tracker.times[happening].first_ns for happening in happenings]
            came = [t_ns for t_ns in at_ns if t_ns is not None]
            held = len(came) == len(at_ns) and came == sorted(came)
            return Verdict(claim, held, Clause("at", {f"{number}_ns": t_ns for number, t_ns in enumerate(at_ns)}))
        case Compares():
            return _compare(claim, known)


def _compare(claim: Compares, known: Mapping[str, Figure]) -> Verdict:
    sides = []
    for name in (claim.left, claim.right):
        if not is_figure(name):
            sides.append(Figure(read_value(name), name))
        elif name in known:
            sides.append(known[name])
        else:
            return Verdict(claim, False, Clause("no such figure", {"name": name}))
    left, right = sides
    said = Clause("figures", {"left": left.shown, "right": right.shown if is_figure(claim.right) else None})
    if isinstance(left.value, str) or isinstance(right.value, str):
        equal = left.value == right.value
        return Verdict(claim, {"=": equal, "!=": not equal}.get(claim.sign, False), said)
    return Verdict(claim, _SIGNS[claim.sign](left.value, claim.factor * right.value), said)
