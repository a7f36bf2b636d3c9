"""Data → sentences: what events, causes, rules and faults are called, in the language of who reads them."""

from sandbox.wording.choices import figure, note, parameters, queue, rule
from sandbox.wording.explanation import why
from sandbox.wording.faults import fault, operator
from sandbox.wording.happened import sentence, signal_name, status, stretch
from sandbox.wording.laws import unbroken, violation
from sandbox.wording.lessons import finding, step_awaited, step_reached
from sandbox.wording.problems import problem, recording
from sandbox.wording.results import (
    defect,
    endings,
    entangled,
    hangs_on_ties,
    later,
    reproduced,
    sooner,
    stood_in,
    summary,
    unfinished,
    what_if,
)
from sandbox.wording.states import state
from sandbox.wording.templates import Names
from sandbox.wording.waits import burst, cause, client, situation

__all__ = [
    "Names",
    "burst",
    "cause",
    "client",
    "defect",
    "endings",
    "entangled",
    "fault",
    "figure",
    "finding",
    "hangs_on_ties",
    "later",
    "note",
    "operator",
    "parameters",
    "problem",
    "queue",
    "recording",
    "reproduced",
    "rule",
    "sentence",
    "signal_name",
    "situation",
    "sooner",
    "state",
    "status",
    "step_awaited",
    "step_reached",
    "stood_in",
    "stretch",
    "summary",
    "unbroken",
    "unfinished",
    "violation",
    "what_if",
    "why",
]
