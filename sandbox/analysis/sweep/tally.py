"""Summarises the rows of a sweep. It takes in one row after another, and keeps only the figures of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from sandbox.analysis.comparison import verdict
from sandbox.analysis.comparison.columns import GOALS
from sandbox.analysis.comparison.standings import Sample
from sandbox.i18n import _, ngettext
from sandbox.render.gantt import Line

#: How many rows of each contender in each scenario are compared. More seeds do not change the result, and would need
#: more memory.
MAX_COMPARED = 5_000
#: How many kinds of failures are counted separately.
_MAX_KINDS = 100


class _Error(msgspec.Struct):
    says: str


class _Row(msgspec.Struct):
    """The fields of a row that are read."""

    key: str
    scenario: str
    contender: str
    seed: int
    cpus: int
    machine: str
    unfinished: int | None
    metrics: dict[str, Any] | None
    error: _Error | None


_decode = msgspec.json.Decoder(_Row).decode
#: Scenario, CPUs and machine. Rows of the same group are compared.
_Group = tuple[str, int, str]


class Tally:
    """``failures``: the number of failed rows by the reason; ``cut``: how many ended before all processes had."""

    def __init__(self) -> None:
        self.rows = self.cut = 0
        self.failures: dict[str, int] = {}
        self._groups: dict[_Group, dict[str, list[dict[int, float]]]] = {}

    def add(self, line: bytes) -> None:
        """Take in a row."""
        row = _decode(line)
        self.rows += 1
        if row.error is not None or row.metrics is None:
            says = f"{row.contender}: {row.error.says if row.error else ''}"
            if says not in self.failures and len(self.failures) >= _MAX_KINDS:
                says = "…"
            self.failures[says] = self.failures.get(says, 0) + 1
        elif row.unfinished:
            self.cut += 1
        else:
            self._keep(row, {"metrics": row.metrics})

    def _keep(self, row: _Row, document: dict[str, Any]) -> None:
        group = self._groups.setdefault((row.scenario, row.cpus, row.machine), {})
        figures = group.setdefault(row.contender, [{} for _goal in GOALS])
        luck = row.seed if row.machine == "virtual" else -self.rows  # real runs share no random numbers
        if len(figures[0]) < MAX_COMPARED:
            for goal, values in zip(GOALS, figures, strict=True):
                value = goal.value(document)
                if value is not None:
                    values[luck] = value

    def lines(self, width: int) -> Iterator[Line]:
        """Yield the lines about the winners in each scenario."""
        for (scenario, cpus, machine), group in self._groups.items():
            samples = [Sample(label, figures) for label, figures in group.items()]
            if len(samples) > 1:
                heading = ngettext("{scenario}, {number} CPU, {machine}", "{scenario}, {number} CPUs, {machine}", cpus)
                where = _("real processes") if machine == "linux" else _("virtual time")
                yield [(heading.format(scenario=scenario, number=cpus, machine=where), "dim")]
                yield from verdict.lines(samples, width)
        if self.cut:
            said = ngettext(
                "{number} run ended before all of its processes had: it is not compared",
                "{number} runs ended before all of their processes had: they are not compared",
                self.cut,
            )
            yield [("! " + said.format(number=self.cut), "strong")]
