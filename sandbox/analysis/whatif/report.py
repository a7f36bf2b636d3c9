"""Reports of a what-if run: the recorded run compared with the one under another policy."""

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

#: The greatest relative error of a turnaround in the repeated run with which the method is trusted.
TOLERANCE = 0.03
#: In cells: the greatest and the least width of a name, and the gap between columns.
_MAX_NAME, _MIN_NAME, _GAP = 20, 8, 2
_MAX_LISTED = 20


class WhatIf(NamedTuple):
    """A what-if run. ``again``: the load under its own policy, in virtual time; ``other``: under the other policy,
    whose name is ``label``."""

    load: Load
    again: History
    other: History
    label: str

    @property
    def check(self) -> Agreement:
        """How well the method reproduces the recording."""
        return agreement.compare(self.again, self.load.history)

    @property
    def trusted(self) -> bool:
        """Whether the method reproduces the recording well enough."""
        check = self.check
        return not check.out_of_order and all(process.error <= TOLERANCE for process in check.processes)

    @property
    def ended(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The recorded and the new figures of each process that has ended in both runs, in scenario order."""
        pairs = zip(processes(self.load.history), processes(self.other), strict=True)
        return [(one, other) for one, other in pairs if None not in (one["finished_ns"], other["finished_ns"])]

    @property
    def unfinished(self) -> int:
        """How many processes had not ended at the end of the recording, so that their remaining work is unknown."""
        return len(self.load.history.lives) - len(self.ended)


def document(what: WhatIf) -> dict[str, Any]:
    """Return the JSON document. Times in ns, as a scheduler sees them. Metrics of both runs are over the processes that
    have ended in both."""
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
    """Yield the lines of the report: the check, both timelines, and the differences."""
    yield from _check(what)
    yield []
    yield from gantt.overlay(what.load.history, what.other, (_("was"), _("if")), width)
    yield [(gantt.legend(what.other), "dim")]
    yield []
    if what.ended:
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
    worst = max((process.error for process in check.processes), default=None)
    total = len(check.matches) + len(check.only_virtual)
    sign = "✔ " if what.trusted else "✘ "
    said = wording.reproduced(len(check.matches), total, check.out_of_order, worst, what.trusted)
    yield [(sign + said, "strong")]


def _table(what: WhatIf, width: int) -> Iterator[Line]:
    """Yield the table. Columns are as wide as their contents; names have the rest of the width."""
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
    """Yield the most important differences as sentences."""
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
    """Run the load under another policy, written as on a command line, with another quantum, or both. ``own``: the
    policy under which it was recorded; a file that the recording names is only run if it is given here. Raises
    BadValue."""
    label = policy or load.scenario.machine.policy
    if own is not None:
        load.scenario = choice.parse(own, load.scenario).enter(load.scenario)
    scenario = load.scenario
    if policy is not None:
        scenario = choice.parse(policy, scenario).enter(scenario)
    if quantum_ns is not None:
        parameters = {name: value for name, value in scenario.machine.parameters.items() if name != "quantum"}
        machine = msgspec.structs.replace(scenario.machine, quantum_ns=quantum_ns, parameters=parameters)
        scenario = msgspec.structs.replace(scenario, machine=machine)
    return WhatIf(load, _run(same_again(load)), _run(scenario), label)


def _run(scenario: Scenario) -> History:
    events: list[Event] = []
    simulate(scenario, events.extend)
    return fold(events)
