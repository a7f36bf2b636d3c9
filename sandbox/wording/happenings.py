"""The happenings of lessons' claims and steps in the reader's language; in English as they are written in files."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.claims import OPERATOR, Happening
from sandbox.model.clause import Clause
from sandbox.wording.faults import operator
from sandbox.wording.templates import fill
from sandbox.wording.waits import cause

_VERBS: Messages = {
    "is born": "{name} is born",
    "runs": "{name} runs",
    "wakes": "{name} wakes",
    "uses up its slice": "{name} uses up its slice",
    "is preempted": "{name} is preempted",
    "blocks on": "{name} blocks on {what}",
    "blocks": "{name} blocks",
    "exits": "{name} exits",
    "exits with": "{name} exits {what}",
    "is killed": "{name} is killed",
    "is stopped": "{name} is stopped",
    "is a zombie": "{name} is a zombie",
    "is reaped": "{name} is reaped",
    "is adopted": "{name} is adopted",
    "is abandoned": "{name} is abandoned",
    "writes": '{name} writes "{what}"',
    "deadlock": "{name} deadlock",
}
#: What a policy does with a process by itself, after "is"; other such moves are shown as they are written.
_MOVES: Messages = {
    "demoted": "{name} is demoted",
    "bumped": "{name} is bumped",
    "aged": "{name} is aged",
    "inherited": "{name} is inherited",
}


def happening(of: Happening) -> str:
    """Return a happening in words."""
    if of.who == OPERATOR:
        return _("you: {did}").format(did=operator(Clause(of.what)))
    verb, what = of.verb, of.what
    if verb == "blocks on":
        verb, what = ("blocks on", cause(Clause(what))) if what else ("blocks", "")
    elif verb == "exits" and what:
        verb = "exits with"
    template = _MOVES.get(what) if verb == "is" else _VERBS.get(verb)
    return str(of) if template is None else fill(template, {"name": of.who, "what": what})
