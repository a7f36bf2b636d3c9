"""How a policy broke a law of scheduling."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.events import Clause
from sandbox.wording.templates import say

#: What an examination holds policies to.
_LAWS: Messages = {
    "lawful values": "lawful values",
    "nothing lost": "nothing lost",
    "never idle": "never idle",
    "no starvation": "no starvation",
    "deterministic": "deterministic",
    "right slices": "right slices",
}
_UNBROKEN: Messages = {
    "declared": "its class says that it need not",
    "unjudged": "not judged: it did not get that far",
}
_VIOLATIONS: Messages = {
    "policy raises": "{callback} raises {error}",
    "policy answers nonsense": "{callback} answers {answer} instead of {allowed}",
    "policy takes too long": "{callback} does not come back",
    "ends the process": "it ended the process that examined it: {reason}",
    "no end": "there is no end to it: {number} events",
    "lost": "{name} was ready from {since_ns} on and never ran again",
    "idle": "CPU {cpu} stood idle for {for_ns} while somebody was ready: {names}",
    "starved": "{name}, ready from {since_ns} on, got no turn while others ran for {bound_ns}",
    "two runs differ": "two runs of the same workload differ from here on",
    "slice too short": "{name} got a slice of {slice_ns}; slices are in ns, at least {figure_ns}, None for no end",
    "ran beyond its slice": "{name} ran for {figure_ns} in a slice of {slice_ns}",
    "decides otherwise": "at {at_ns} {policy} runs {ours}, and {like} runs {theirs}",
}


def violation(clause: Clause) -> str:
    """What a policy did that a law of scheduling forbids."""
    return say(_VIOLATIONS, clause)


def law(name: str) -> str:
    """What a law of scheduling is called."""
    if name.startswith("like "):
        return _("like {policy}").format(policy=name.removeprefix("like "))
    return _(_LAWS[name])


def unbroken(state: str) -> str:
    """What there is to say of a law that was not broken; nothing where it was kept."""
    return _(_UNBROKEN.get(state, ""))
