"""What a lesson says of its claims and steps."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.claims import OPERATOR, Happening
from sandbox.model.events import Clause
from sandbox.util.units import show_duration
from sandbox.wording.faults import operator
from sandbox.wording.results import rounded
from sandbox.wording.templates import say

_FINDINGS: Messages = {
    "never": "never",
    "times": "{number} times, first at {first_ns}",
    "at": "at {times}",
    "figures": "{left} and {right}",
    "figure": "{left}",
    "no such figure": "nothing is known of {name}",
}


def finding(clause: Clause) -> str:
    """What a run showed of a lesson's claim."""
    if clause.rule == "figures" and clause.figures["right"] is None:  # the claim itself says what it is compared with
        clause = Clause("figure", clause.figures)
    if clause.rule == "at":
        times = (_(_FINDINGS["never"]) if at is None else show_duration(int(at)) for at in clause.figures.values())
        clause = Clause("at", {"times": ", ".join(times)})
    return say(_FINDINGS, clause)


def step_reached(happening: Happening, t_ns: int) -> str:
    """What a step of a lesson waited for has happened; in Markdown."""
    if happening.who == OPERATOR:
        return _("✔ you: `{did}` after {time}").format(did=operator(Clause(happening.what)), time=rounded(t_ns))
    return _("✔ `{happening}` after {time}").format(happening=happening, time=rounded(t_ns))


def step_awaited(happening: Happening) -> str:
    """What a step of a lesson waits for; in Markdown."""
    if happening.who == OPERATOR:
        return _("waits for you: `{did}`").format(did=operator(Clause(happening.what)))
    return _("waits until `{happening}`").format(happening=happening)
