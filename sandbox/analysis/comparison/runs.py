"""The runs of a comparison: which there are, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from sandbox import wording
from sandbox.analysis.comparison.table import Entrant
from sandbox.i18n import N_, _
from sandbox.model.schemas import RUN, stamped
from sandbox.model.spec import Scenario
from sandbox.policies.choice import Contender
from sandbox.views.history import History
from sandbox.views.metrics import result

#: Runs of one contender.
MAX_REPEATS = 1_000


class Plan(NamedTuple):
    """One run to be made: the ``number``-th of a contender on one of the machines, the first being 1."""

    contender: Contender
    number: int
    real: bool
    scenario: Scenario


class Run(NamedTuple):
    """What came of it. ``failed``: the policy failed, and another one stood in for it."""

    plan: Plan
    history: History
    failed: bool

    @property
    def unfinished(self) -> int:
        """How many processes had not ended, or had not even arrived."""
        ended = sum(life.exited is not None and life.admitted.order is not None for life in self.history.lives.values())
        return len(self.plan.scenario.processes) - ended

    def document(self) -> dict[str, Any]:
        """The result document."""
        document = result(self.history)
        wording.add_sentences(document)
        return stamped(RUN, document, self.plan.scenario.machine.seed)


def plans(
    scenario: Scenario, contenders: Sequence[Contender], repeat: int, virtual: bool, real: bool
) -> Iterator[Plan]:
    """All runs, one contender after another. Virtual runs are repeated with another seed each time, unless they stand
    beside real ones: then one is enough."""
    for contender in contenders:
        entered = contender.enter(scenario)
        if virtual:
            for number in range(1, 2 if real else repeat + 1):
                machine = msgspec.structs.replace(entered.machine, seed=entered.machine.seed + number - 1)
                yield Plan(contender, number, False, msgspec.structs.replace(entered, machine=machine))
        if real:
            for number in range(1, repeat + 1):
                yield Plan(contender, number, True, entered)


#: What a policy is called on the virtual machine and on the real one, where it is on both.
_ON = (N_("{policy} virtual"), N_("{policy} real"))


def entrants(runs: Sequence[Run]) -> list[Entrant]:
    """The runs of each contender on each machine together, as the table wants them."""
    groups: dict[tuple[str, bool], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.plan.contender.label, run.plan.real), []).append(run)
    both = len({real for _, real in groups}) > 1
    return [
        Entrant(
            _(_ON[real]).format(policy=label) if both else label,
            "real" if real else "virtual",
            [run.document() for run in group],
            all(run.unfinished == 0 and not run.failed for run in group),
            _luck(group, place) if real else [run.plan.scenario.machine.seed for run in group],
        )
        for place, ((label, real), group) in enumerate(groups.items())
    ]


def _luck(group: Sequence[Run], place: int) -> list[int]:
    """What stands for the seeds of real runs: each has luck of its own."""
    return [-place * MAX_REPEATS - number for number in range(1, len(group) + 1)]
