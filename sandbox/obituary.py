"""What the last words of a kernel process tell of its death."""

from __future__ import annotations

from sandbox.events import Clause
from sandbox.language import N_
from sandbox.policies.failures import hang
from sandbox.text import clean_line


def cause_of_death(words: str) -> Clause:
    """The fault, from what it wrote to its standard error: a dump of where a policy hung, or whatever it said."""
    figures = hang(words)
    if figures is not None:
        return Clause("policy hangs", figures)
    lines = words.splitlines()
    return Clause("kernel process died", {"reason": clean_line(lines[-1]) if lines else N_("it was killed")})
