"""Sentences about orders of turns in which a program breaks."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.events import Clause
from sandbox.wording.events import signal_name
from sandbox.wording.results import finding
from sandbox.wording.templates import say

_BREAKS: Messages = {
    "deadlock": "deadlock: {who} wait for each other, and never go on",
    "nobody goes on": "nobody goes on any more: {who}",
    "all spin": "{who} wait in a loop for what nobody does any more",
    "turn without end": "a turn of {who} does not end",
    "ends badly": "{who} ends with status {status}",
    "is killed": "{who} is ended by {signal}",
}


def breaks(what: Clause) -> str:
    """Return what went wrong in a run that breaks the program."""
    figures = dict(what.figures)
    if what.rule == "claim fails":
        claim, rule = figures.pop("claim", ""), figures.pop("found", None)
        if not isinstance(rule, str):
            return _("does not hold: {claim}").format(claim=claim)
        found = (
            _("{number} times").format(number=figures["number"]) if rule == "times" else finding(Clause(rule, figures))
        )
        return _("does not hold: {claim} (found: {found})").format(claim=claim, found=found)
    status = what.number("status")
    if what.rule == "ends badly" and status is not None and status < 0:
        return say(_BREAKS, Clause("is killed", {"who": what.text("who"), "signal": signal_name(-status)}))
    return say(_BREAKS, what)
