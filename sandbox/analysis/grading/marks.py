"""What comes of a submission, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

from sandbox.analysis.conformance.verdicts import Example
from sandbox.model.clause import Clause

#: The rule of a try that is none: the file was only read.
IMPORTS = "imports"
Status = Literal["graded", "missing", "unusable"]


class Part(msgspec.Struct, frozen=True):
    """One thing that was looked at: a law, or a claim about one workload (``seed``); whether it holds, and what is to
    be said of it."""

    name: str
    held: bool
    says: Clause | None = None
    seed: int | None = None


class Mark(msgspec.Struct):
    """What came of one task. ``share``: of its points; ``says``: why it is not all of them; ``lost``: because there was
    nobody to be judged; ``example``: the smallest workload found that shows it, beside the ``reference``."""

    share: float
    parts: list[Part] = []
    says: Clause | None = None
    lost: bool = False
    example: Example | None = None
    reference: str = ""


class Graded(msgspec.Struct):
    """A submission. ``name``: the student's; ``file``: as it was given; ``marks``: one a task; ``tried``: what it tried
    besides deciding; ``late_days``: that have begun since it was due; ``fault``: why there is nothing to judge."""

    name: str
    file: str
    status: Status
    marks: list[Mark]
    tried: list[Clause] = []
    late_days: int = 0
    fault: list[Clause] = []
    seconds: float = 0.0


def points(share: float, most: int) -> float:
    """What a share of a task's points comes to."""
    return round(share * most, 2)


def total(graded: Graded, most: list[int], late_percent: int) -> float:
    """All points of a submission, less what its being late costs."""
    earned = sum(points(mark.share, each) for mark, each in zip(graded.marks, most, strict=True))
    return round(earned * max(100 - late_percent * graded.late_days, 0) / 100, 2)
