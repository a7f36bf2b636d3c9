"""Reports for people: a page for each student, a table for the teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from sandbox import wording
from sandbox.analysis.conformance.report import told
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.marks import IMPORTS, Graded, Mark, points, total
from sandbox.i18n import _, ngettext
from sandbox.render.cells import fit, wrap
from sandbox.render.gantt import Line
from sandbox.wording import grading as words

_INDENT = "    "
_MAX_NAME = 40
_MAX_PARTS = 6


def shown(number: float) -> str:
    """Format points without trailing zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def most(assignment: Assignment) -> list[int]:
    """Return the points of each task."""
    return [task.spec.points for task in assignment.tasks]


def page(graded: Graded, assignment: Assignment, width: int) -> Iterator[Line]:
    """Yield the lines of a student's page."""
    earned = total(graded, most(assignment), assignment.spec.late)
    of = _("{points} of {most}").format(points=shown(earned), most=assignment.points)
    yield [(graded.name, "strong"), (f"  {_(assignment.spec.title)}  {of}", "text")]
    if (aside := _aside(graded, assignment)) is not None:
        yield from _wrapped(aside, width)
    names = [min(cell_len(_(task.spec.name)), _MAX_NAME) for task in assignment.tasks]
    for task, mark in zip(assignment.tasks, graded.marks, strict=True):
        got = _("{points} of {most}").format(points=shown(points(mark.share, task.spec.points)), most=task.spec.points)
        sign = "✔" if mark.share == 1 else "✘"
        head = f"{sign} {fit(_(task.spec.name), max(names))}  {got}"
        yield [(head, "text" if mark.share == 1 else "strong")]
        if graded.status == "graded":
            yield from _why(graded, mark, width)
    imports = [words.tried(clause) for clause in graded.tried if clause.rule == IMPORTS]
    if imports:
        said = _("It imports what nobody needs for this: {names}")
        yield from _wrapped(said.format(names=wording.listed(imports)), width)
    tries = [words.tried(clause) for clause in graded.tried if clause.rule != IMPORTS]
    if tries:
        said = _("It tried, where that harms nobody: {tries}")
        yield from _wrapped(said.format(tries=wording.listed(tries)), width)


def _aside(graded: Graded, assignment: Assignment) -> str | None:
    """Return a remark about the submission as a whole, or None."""
    if graded.status != "graded":
        why = wording.clauses(wording.problem(clause) for clause in graded.fault)
        return words.status(graded.status) + (f": {why}" if why else "")
    if not graded.late_days:
        return None
    said = ngettext("{number} day late: {percent} % less", "{number} days late: {percent} % less", graded.late_days)
    return said.format(number=graded.late_days, percent=min(graded.late_days * assignment.spec.late, 100))


def _why(graded: Graded, mark: Mark, width: int) -> Iterator[Line]:
    """Yield why a task has not all points, and the counterexample."""
    if mark.share == 1:
        return
    if mark.says is not None:
        yield from _wrapped(words.shortcoming(mark.says, mark.lost), width, _INDENT)
    failed = [part for part in mark.parts if not part.held]
    if len(mark.parts) > 1:
        names = [*dict.fromkeys(part.name for part in failed)]
        listed = wording.listed(names[:_MAX_PARTS]) + ("…" if len(names) > _MAX_PARTS else "")
        said = _("{number} of {all} do not hold: {names}")
        yield from _wrapped(said.format(number=len(failed), all=len(mark.parts), names=listed), width, _INDENT)
    if mark.example is not None:
        for line in told(graded.name, mark.reference, mark.example, width - len(_INDENT)):
            yield [(_INDENT, "text"), *line]


def _wrapped(text: str, width: int, indent: str = "") -> Iterator[Line]:
    for line in wrap(text, width, indent=indent, first=indent, hyphens=False):
        yield [(line, "text")]


def table(everyone: Sequence[Graded], assignment: Assignment) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of marks."""
    head = [_("student"), _("points"), "%", *(str(number + 1) for number in range(len(assignment.tasks))), _("remarks")]
    rows = []
    for graded in everyone:
        earned = total(graded, most(assignment), assignment.spec.late)
        cells = [
            shown(points(mark.share, task.spec.points))
            for task, mark in zip(assignment.tasks, graded.marks, strict=True)
        ]
        share = f"{earned / assignment.points:.0%}".removesuffix("%")
        rows.append([graded.name, shown(earned), share, *cells, _remarks(graded)])
    return head, rows


def _remarks(graded: Graded) -> str:
    said = [] if graded.status == "graded" else [words.status(graded.status)]
    if graded.late_days:
        said.append(
            ngettext("{number} day late", "{number} days late", graded.late_days).format(number=graded.late_days)
        )
    if any(clause.rule == IMPORTS for clause in graded.tried):
        said.append(_("imports more"))
    if any(clause.rule != IMPORTS for clause in graded.tried):
        said.append(_("tries more"))
    return wording.listed(said)


def legend(assignment: Assignment) -> Iterator[str]:
    """Yield the lines that explain the columns of the table."""
    for number, task in enumerate(assignment.tasks, 1):
        yield f"{number:>3}  {_(task.spec.name)} ({task.spec.points})"
