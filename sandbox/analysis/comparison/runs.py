"""The runs of a comparison, and their results."""

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

#: The most runs of one contender.
MAX_REPEATS = 1_000


class Plan(NamedTuple):
    """A run to be made. ``number``: of the contender's runs on this machine, counted from 1; ``real``: on real
    processes."""

    contender: Contender
    number: int
    real: bool
    scenario: Scenario


class Run(NamedTuple):
    """A run that was made. ``failed``: the policy has failed and was replaced."""

    plan: Plan
    history: History
    failed: bool

    @property
    def unfinished(self) -> int:
        """How many processes of the scenario had not ended, including those that had not arrived."""
        ended = sum(life.exited is not None and life.admitted.order is not None for life in self.history.lives.values())
        return len(self.plan.scenario.processes) - ended

    def document(self) -> dict[str, Any]:
        """Return the result document."""
        document = result(self.history)
        wording.add_sentences(document)
        return stamped(RUN, document, self.plan.scenario.machine.seed)


def plans(
    scenario: Scenario, contenders: Sequence[Contender], repeat: int, virtual: bool, real: bool
) -> Iterator[Plan]:
    """Yield all runs, one contender after another. Repeated virtual runs have different seeds; for a comparison with
    real ones there is only one."""
    for contender in contenders:
        entered = contender.enter(scenario)
        if virtual:
            for number in range(1, 2 if real else repeat + 1):
                machine = msgspec.structs.replace(entered.machine, seed=entered.machine.seed + number - 1)
                yield Plan(contender, number, False, msgspec.structs.replace(entered, machine=machine))
        if real:
            for number in range(1, repeat + 1):
                yield Plan(contender, number, True, entered)


#: The label of a policy that runs on both the virtual and the real machine.
_ON = (N_("{policy} virtual"), N_("{policy} real"))


def entrants(runs: Sequence[Run]) -> list[Entrant]:
    """Group the runs by contender and machine, for the table."""
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
    """Return unique numbers in place of seeds for real runs, which share no random numbers."""
    return [-place * MAX_REPEATS - number for number in range(1, len(group) + 1)]
