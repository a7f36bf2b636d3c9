"""Charts of a comparison: the times of processes under each policy, and means along a varied parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.analysis.charts import rows
from sandbox.analysis.charts.figures import axis
from sandbox.analysis.charts.rows import Asked, Written
from sandbox.analysis.comparison.columns import TIMES
from sandbox.analysis.comparison.runs import Run
from sandbox.i18n import _
from sandbox.render.charts import Boxes, draw
from sandbox.render.gantt import Line


def graphs(runs: Sequence[Run], width: int) -> list[Line]:
    """Return the lines of all charts. ``width``: of a line in cells."""
    lines: list[Line] = []
    for chart in (*_along_parameter(runs, width), *_boxes(runs, width)):
        lines += [*chart, []]
    return lines[:-1]


def _along_parameter(runs: Sequence[Run], width: int) -> Iterator[list[Line]]:
    """Yield charts of the mean times along a parameter, if one was varied."""
    varied = rows.varied(rows.table([_row(run) for run in runs], None).rows)
    if varied != "contender":
        for time in TIMES:
            table = rows.table([_row(run) for run in runs], f"{time}.mean")
            yield draw(rows.chart(table, Asked(varied, None, None, "line")), width)


def _row(run: Run) -> Written:
    document = run.document()
    machine = document["machine"]
    return Written(
        key="",
        scenario=document["scenario"],
        contender=run.plan.contender.label,
        policy=document["policy"],
        seed=document["seed"],
        cpus=machine["cpus"],
        machine=machine["kind"],
        metrics=document["metrics"],
    )


def _boxes(runs: Sequence[Run], width: int) -> Iterator[list[Line]]:
    """Yield box plots of the times of all processes under each policy."""
    documents = [(run.plan.contender.label, run.document()["processes"]) for run in runs]
    for time in TIMES:
        found: dict[str, list[float]] = {}
        for label, processes in documents:
            values = [float(each[f"{time}_ns"]) for each in processes if each[f"{time}_ns"] is not None]
            if values:
                found.setdefault(label, []).extend(values)
        if found:
            most = max(max(values) for values in found.values())
            title = _("{time} of all processes under each policy").format(time=_(time))
            yield draw(Boxes(title, axis(_(time), True, most), [*found.items()]), width)
