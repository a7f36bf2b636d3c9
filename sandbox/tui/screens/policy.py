"""The scheduling policies to choose from, each with its rule, when it is bad, and its parameters."""

from __future__ import annotations

from sandbox import policies
from sandbox.kinds import Refused
from sandbox.listings import says
from sandbox.tui.screens.dialogs import Choose, Offer


def choose_policy(present: str) -> Choose:
    """The dialog; answers a policy's name."""
    return Choose("Scheduling policy", [_offer(name) for name in policies.names()], present)


def _offer(name: str) -> Offer:
    try:
        kind = policies.find(name)
    except (Refused, ImportError):
        return Offer(name, name, "(does not load)")
    rule, bad = says(kind)
    lines = [rule, bad]
    lines += [
        f"{parameter.name} = {parameter.default}: {parameter.says} ({parameter.kind.range()})"
        for parameter in kind.declared()
    ]
    return Offer(name, name, rule, "\n".join(filter(None, lines)))
