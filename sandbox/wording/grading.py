"""Sentences about a graded submission: why a task lost points, and forbidden things that it tried."""

from __future__ import annotations

from sandbox.i18n import N_, Messages, _, ngettext
from sandbox.model.clause import Clause
from sandbox.wording.problems import problem
from sandbox.wording.results import finding, unbroken, violation
from sandbox.wording.templates import say

_TRIED: Messages = {
    "imports": "{module}",
    "starts a process": "to start a process",
    "opens a socket": "to open a socket",
    "signals a process": "to signal a process",
    "changes files": "to change files",
    "reads a file": "to read {path}",
    "writes a file": "to write {path}",
    "calls C code": "to call C code",
    "looks into the interpreter": "to look into the interpreter's memory",
    "starts a thread": "to start a thread",
    "tries more": "and more of that kind",
}
_CLAIMS: Messages = {"claim fails": "{claim}: found {found}"}
_UNJUDGED = ("declared", "unjudged")
_STATUS: Messages = {
    "graded": N_("graded"),
    "missing": N_("missing"),
    "unusable": N_("cannot be used"),
}


def tried(clause: Clause) -> str:
    """Return what a submission tried to do in addition to deciding."""
    if clause.rule == "prints":
        number = clause.figures.get("lines")
        number = number if isinstance(number, int) else 1
        said = ngettext("to print {number} line or more", "to print {number} lines or more", number)
        return said.format(number=number)
    return say(_TRIED, clause)


def shortcoming(clause: Clause, lost: bool = False) -> str:
    """Return why a task has not got all its points. ``lost``: there was no policy to be judged."""
    if lost:
        return problem(clause)
    if clause.rule in _UNJUDGED:
        return unbroken(clause.rule)
    if clause.rule == "claim fails":
        figures = dict(clause.figures)
        claim, found = str(figures.pop("claim", "")), str(figures.pop("found", ""))
        if not found:
            return _("{claim}: nobody got that far").format(claim=claim)
        return say(_CLAIMS, Clause(clause.rule, {"claim": claim, "found": finding(Clause(found, figures))}))
    return violation(clause)


def status(name: str) -> str:
    """Return the status of a submission in words."""
    return _(_STATUS[name])
