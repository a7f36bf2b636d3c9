"""The results of submissions."""

from __future__ import annotations

from typing import Literal

import msgspec

from sandbox.analysis.conformance.verdicts import Example
from sandbox.model.clause import Clause

#: The rule of unneeded imports among the accesses that were tried.
IMPORTS = "imports"
Status = Literal["graded", "missing", "unusable"]


class Part(msgspec.Struct, frozen=True):
    """One criterion: a law, or a claim about one workload (``seed``). ``says``: why it does not hold."""

    name: str
    held: bool
    says: Clause | None = None
    seed: int | None = None


class Mark(msgspec.Struct):
    """The result of one task. ``share``: of its points; ``says``: why it is less than 1; ``lost``: because there was no
    policy to judge; ``example``: the smallest counterexample found, compared with the ``reference``."""

    share: float
    parts: list[Part] = []
    says: Clause | None = None
    lost: bool = False
    example: Example | None = None
    reference: str = ""


class Graded(msgspec.Struct):
    """The result of a submission. ``name``: of the student; ``file``: as it was given; ``marks``: one for each task;
    ``tried``: accesses that it has tried; ``late_days``: days begun since the deadline; ``fault``: why it could not be
    judged."""

    name: str
    file: str
    status: Status
    marks: list[Mark]
    tried: list[Clause] = []
    late_days: int = 0
    fault: list[Clause] = []
    seconds: float = 0.0


def points(share: float, most: int) -> float:
    """Return the points of a share, rounded."""
    return round(share * most, 2)


def total(graded: Graded, most: list[int], late_percent: int) -> float:
    """Return the points of a submission after the deduction for lateness."""
    earned = sum(points(mark.share, each) for mark, each in zip(graded.marks, most, strict=True))
    return round(earned * max(100 - late_percent * graded.late_days, 0) / 100, 2)
