"""Why a kernel process or a command died, from what it wrote to its standard error at last."""

from __future__ import annotations

from sandbox.i18n import N_
from sandbox.model.events import Clause
from sandbox.policies.host.failures import hang
from sandbox.util.text import clean_line


def cause_of_death(words: str) -> Clause:
    """Of a kernel process: where a policy hung, by a dump of the stack, or its last line."""
    return cause(words, hangs="policy hangs", died="kernel process died")


def cause_of_end(words: str) -> Clause:
    """The same of a command that ran a policy in its own process."""
    return cause(words, hangs="command hangs", died="command died")


def cause(words: str, hangs: str, died: str) -> Clause:
    """The first of these rules where the words tell of a hanging policy, else the second."""
    figures = hang(words)
    if figures is not None:
        return Clause(hangs, figures)
    lines = words.splitlines()
    return Clause(died, {"reason": clean_line(lines[-1]) if lines else N_("it was killed")})
