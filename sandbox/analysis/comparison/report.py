"""Reports of a comparison: as text, as JSON documents and as rows of figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sandbox import wording
from sandbox.analysis.comparison import agreement
from sandbox.analysis.comparison.agreement import Agreement
from sandbox.analysis.comparison.runs import Run, entrants
from sandbox.analysis.comparison.sensitivity import NUDGE_NS, sensitivity
from sandbox.analysis.comparison.table import table
from sandbox.i18n import _
from sandbox.render import gantt
from sandbox.render.cells import fit, flush_right
from sandbox.render.gantt import Line
from sandbox.util.units import MS

#: How many processes are listed with their errors, the worst ones.
_MAX_LISTED = 12
_TITLE, _FIGURE = 20, 12


def documents(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the result documents of all runs, in their order. If there is a virtual run to a real one, the document of
    the real run has the differences under ``against_virtual``."""
    twins = {id(real): found for _, real, found in _pairs(runs)}
    found = []
    for run in runs:
        document = run.document()
        if id(run) in twins:
            document["against_virtual"] = twins[id(run)].document()
        found.append(document)
    return found


def figures(runs: Sequence[Run]) -> Iterator[list[str | float | None]]:
    """Yield a row of titles, then a row for each run. Times in ns."""
    head: list[str | float | None] = []
    for run in runs:
        document = run.document()
        row: dict[str, str | float | None] = {
            "scenario": document["scenario"],
            "policy": run.plan.contender.label,
            "parameters": wording.parameters_by_name(document["policy"]["parameters"]),
            "machine": document["machine"]["kind"],
            "cpus": document["machine"]["cpus"],
            "run": run.plan.number,
            "seed": run.plan.scenario.machine.seed,
            "unfinished": run.unfinished,
            "failed": run.failed,
            **_flat(document["metrics"]),
        }
        if not head:
            head = [*row]
            yield head
        yield [*row.values()]


def _flat(metrics: dict[str, Any]) -> dict[str, Any]:
    """Flatten ``turnaround_ns: {mean: …}`` to ``turnaround_mean_ns``."""
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            flat |= {f"{name.removesuffix('_ns')}_{part}_ns": figure for part, figure in value.items()}
        else:
            flat[name] = value
    return flat


def lines(runs: Sequence[Run], width: int) -> list[Line]:
    """Return the table with its remarks, and the charts."""
    if not runs:
        return []
    said = table(entrants(runs), width)
    if len(runs) > 1:
        said.append([(_("* best of its column"), "dim")])
    if any(run.plan.number > 1 for run in runs):
        said.append([(_("means of all runs; ± half of the interval that has the true mean with 95 %"), "dim")])
    said += [[("! " + reason, "strong")] for run in runs for reason in _incomparable(run)]
    paired = [*_pairs(runs)]
    for virtual, real, found in paired:
        said += [[], *_against(virtual, real, found, width)]
    if not paired:
        span_ns = max(run.history.now_ns for run in runs)
        for run in runs:
            if run.plan.number == 1:
                said += [[], _heading(run), *gantt.chart(run.history, width, span_ns)]
    said.append([(gantt.legend(runs[0].history), "dim")])
    return said


def _incomparable(run: Run) -> Iterator[str]:
    """Yield why the figures of a run cannot be compared."""
    if run.failed:
        yield wording.stood_in(run.plan.contender.label)
    if run.unfinished:
        yield wording.unfinished(run.plan.contender.label, run.unfinished, len(run.plan.scenario.processes))


def _heading(run: Run) -> Line:
    booted = run.history.booted
    more = [wording.parameters(booted.parameters)] if booted and booted.parameters else []
    if run.plan.number > 1:
        more.append(_("run {number}").format(number=run.plan.number))
    return [(run.plan.contender.label, "strong"), *(("  " + text, "dim") for text in more)]


# Virtual against real


def _pairs(runs: Sequence[Run]) -> Iterator[tuple[Run, Run, Agreement]]:
    """Yield each real run with the virtual one of the same contender, and their agreement."""
    virtual: Run | None = None
    for run in runs:
        if not run.plan.real:
            virtual = run
        elif virtual is not None and virtual.plan.contender == run.plan.contender:
            yield virtual, run, agreement.compare(virtual.history, run.history)


def _against(virtual: Run, real: Run, found: Agreement, width: int) -> Iterator[Line]:
    yield _heading(real)
    yield from gantt.overlay(virtual.history, real.history, (_("sim"), _("real")), width)
    worst = sorted(found.processes, key=lambda process: process.error, reverse=True)[:_MAX_LISTED]
    yield _row(_("turnaround in ms"), (_("virtual"), _("real"), _("error")), "dim")
    for process in found.processes:
        if process in worst:
            times = [f"{ns / MS:.1f}" for ns in (process.virtual_ns, process.real_ns)]
            yield _row(process.name, (*times, f"{process.error:.2%}"))
    if len(found.processes) > len(worst):
        said = _("… and {number} with smaller errors")
        yield [(said.format(number=len(found.processes) - len(worst)), "dim")]
    yield _row(_("error"), (_("median"), "p95", _("max")), "dim")
    for title, errors in (
        (_("turnaround"), [process.error for process in found.processes]),
        (_("CPU time of a slice"), [match.error for match in found.matches]),
    ):
        yield _row(title, [_share(error) for error in agreement.summary(errors).values()])
    drift = agreement.summary([float(abs(match.drift_ns)) for match in found.matches])
    yield _row(_("start of a slice"), [_time(ns) for ns in drift.values()])
    total = len(found.matches) + len(found.only_virtual)
    yield [(_("{matched} of {total} slices matched").format(matched=len(found.matches), total=total), "text")]
    if found.endings:
        yield [(wording.endings(len(found.endings), sum(piece.cpu_ns for piece in found.endings)), "dim")]
    for defect in found.defects:
        yield [("✘ " + wording.defect(defect), "strong")]
    if found.defects:
        hangs = sensitivity(virtual.plan.scenario, virtual.history)
        if hangs.share > agreement.TOLERANCE:
            yield [("  " + wording.hangs_on_ties(hangs.name, hangs.share, NUDGE_NS), "text")]
    if not found.defects:
        said = _("every slice has its match, in the same order, and no median error is over 2 %")
        yield [(f"✔ {said}", "strong")]


def _row(title: str, texts: Iterable[str], tone: str = "text") -> Line:
    return [(fit(title, _TITLE) + "".join(flush_right(text, _FIGURE) for text in texts), tone)]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _time(ns: float | None) -> str:
    return "-" if ns is None else f"{ns / MS:.2f} ms"
