"""The recorded run beside the one under another policy: for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from rich.cells import cell_len

from sandbox import wording
from sandbox.analysis.comparison import agreement
from sandbox.analysis.comparison.agreement import Agreement
from sandbox.analysis.whatif.derive import Load, same_again
from sandbox.i18n import _
from sandbox.machines.simulate import simulate
from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.policies import choice
from sandbox.render import gantt
from sandbox.render.cells import fit_name, flush_right
from sandbox.render.gantt import Line
from sandbox.render.tables import milliseconds
from sandbox.views.history import History
from sandbox.views.metrics import fold, metrics, processes, result

#: A turnaround that the same policy does not reproduce as well as this makes the method doubtful.
TOLERANCE = 0.03
#: Cells: for a name at most and at least, and between two columns.
_MAX_NAME, _MIN_NAME, _GAP = 20, 8, 2
_MAX_LISTED = 20


class WhatIf(NamedTuple):
    """``again``: the load under its own policy, in virtual time; ``other``: under the other one, called ``label``."""

    load: Load
    again: History
    other: History
    label: str

    @property
    def check(self) -> Agreement:
        """How well the method reproduces what was recorded."""
        return agreement.compare(self.again, self.load.history)

    @property
    def trusted(self) -> bool:
        """Whether it does."""
        check = self.check
        return not check.out_of_order and all(process.error <= TOLERANCE for process in check.processes)

    @property
    def ended(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The figures that each process had and would have had, in scenario order: of those that ended in both."""
        pairs = zip(processes(self.load.history), processes(self.other), strict=True)
        return [(one, other) for one, other in pairs if None not in (one["finished_ns"], other["finished_ns"])]

    @property
    def unfinished(self) -> int:
        """How many had not ended when the recording did: what they would have gone on to do is unknown."""
        return len(self.load.history.lives) - len(self.ended)


def document(what: WhatIf) -> dict[str, Any]:
    """As JSON carries it; times in ns, as a scheduler sees them. The metrics of both are over the processes that ended
    in both."""
    was, would = _metrics(what)
    return {
        "trusted": what.trusted,
        "check": what.check.document(),
        "unfinished": what.unfinished,
        "recorded": {**result(what.load.history), "metrics": was},
        "whatif": {**result(what.other), "metrics": would, "label": what.label},
    }


def _metrics(what: WhatIf) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        metrics(what.load.history, {was["pid"] for was, _ in what.ended}),
        metrics(what.other, {would["pid"] for _, would in what.ended}),
    )


def lines(what: WhatIf, width: int) -> Iterator[Line]:
    """The check, both timelines one above the other, and the differences."""
    yield from _check(what)
    yield []
    yield from gantt.overlay(what.load.history, what.other, (_("was"), _("if")), width)
    yield [(gantt.legend(what.other), "dim")]
    yield []
    yield from _table(what, width)
    yield []
    for said in _differences(what):
        yield [(said, "strong")]
    if what.unfinished:
        yield [(wording.not_compared(what.unfinished, len(what.load.history.lives)), "dim")]
    if what.load.entangled:
        yield [(wording.entangled(what.load.entangled), "dim")]


def _check(what: WhatIf) -> Iterator[Line]:
    check = what.check
    errors = [process.error for process in check.processes]
    worst = max(errors, default=0.0)
    total = len(check.matches) + len(check.only_virtual)
    sign = "✔ " if what.trusted else "✘ "
    said = wording.reproduced(len(check.matches), total, check.out_of_order, worst, what.trusted)
    yield [(sign + said, "strong")]


def _table(what: WhatIf, width: int) -> Iterator[Line]:
    """Columns as wide as what stands in them; names have the rest."""
    heads = [_("turnaround"), _("if"), _("waiting"), _("if"), _("response"), _("if")]
    rows = [[*_figures(was, would)] for was, would in what.ended[:_MAX_LISTED]]
    columns = [max(map(cell_len, column)) + _GAP for column in zip(heads, *rows, strict=True)]
    room = max(min(width - sum(columns), _MAX_NAME), _MIN_NAME)

    def row(name: str, cells: list[str]) -> str:
        return fit_name(name, room) + "".join(map(flush_right, cells, columns))

    yield [(row(_("all times in ms"), heads), "dim")]
    for (was, _would), cells in zip(what.ended, rows, strict=False):
        yield [(row(was["name"], cells), "text")]
    if len(what.ended) > _MAX_LISTED:
        yield [(_("… and {number} more").format(number=len(what.ended) - _MAX_LISTED), "dim")]


def _figures(was: dict[str, Any], would: dict[str, Any]) -> Iterator[str]:
    for key in ("turnaround_ns", "waiting_ns", "response_ns"):
        yield milliseconds(was[key])
        yield milliseconds(would[key])


def _differences(what: WhatIf) -> Iterator[str]:
    """The most telling ones, in words."""
    changes = [
        (would["turnaround_ns"] - was["turnaround_ns"], was["turnaround_ns"], was["name"])
        for was, would in what.ended
        if was["turnaround_ns"] and would["turnaround_ns"]
    ]
    if changes:
        best, worst = min(changes), max(changes)
        if best[0] < 0:
            yield wording.sooner(best[2], -best[0], -best[0] / best[1])
        if worst[0] > 0:
            yield wording.later(worst[2], worst[0], worst[0] / worst[1])
    yield wording.what_if(what.label, *_metrics(what))


def what_if(load: Load, policy: str | None, quantum_ns: int | None, own: str | None = None) -> WhatIf:
    """The load under another policy, written as on a command line, with another quantum, or both. ``own``: the policy
    that it was recorded under, written likewise; where that is a file, it is run only if somebody gives it here.
    Raises BadValue."""
    label = policy or load.scenario.machine.policy
    if own is not None:
        load.scenario = choice.parse(own, load.scenario).enter(load.scenario)
    machine = load.scenario.machine.with_quantum(quantum_ns)
    scenario = msgspec.structs.replace(load.scenario, machine=machine)
    if policy is not None:
        scenario = choice.parse(policy, scenario).enter(scenario)
    return WhatIf(load, _run(same_again(load)), _run(scenario), label)


def _run(scenario: Scenario) -> History:
    events: list[Event] = []
    simulate(scenario, events.extend)
    return fold(events)
