"""The results of an examination, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

from sandbox.model.events import AnyEvent, Clause
from sandbox.model.spec import Scenario

#: The laws, in the order of the report.
LAWFUL, LOST, IDLE, STARVED, DETERMINISTIC, SLICES = (
    "lawful values",
    "nothing lost",
    "never idle",
    "no starvation",
    "deterministic",
    "right slices",
)
LAWS = (LAWFUL, LOST, IDLE, STARVED, DETERMINISTIC, SLICES)


def likeness(policy: str) -> str:
    """Return the law that a policy decides as another one does."""
    return f"like {policy}"


class Violation(msgspec.Struct, frozen=True):
    """What a policy did that violates a law, and when (ns since boot)."""

    what: Clause
    t_ns: int


class Example(msgspec.Struct, frozen=True):
    """The smallest workload found that breaks a law, with its events. ``reference``: the events under the policy with
    which it is compared."""

    scenario: Scenario
    violation: Violation
    events: list[AnyEvent]
    reference: list[AnyEvent] = []


class Verdict(msgspec.Struct, frozen=True):
    """The verdict on one law. ``declared``: the class declares that it does not keep it; ``unjudged``: the policy
    failed before the law could be judged."""

    law: str
    state: Literal["holds", "broken", "declared", "unjudged"]
    example: Example | None = None


class Report(msgspec.Struct):
    """All verdicts on a policy."""

    policy: str
    seed: int
    worlds: int
    verdicts: list[Verdict]

    @property
    def passed(self) -> bool:
        """Whether each law was judged, and none was broken."""
        return bool(self.verdicts) and all(verdict.state in ("holds", "declared") for verdict in self.verdicts)
