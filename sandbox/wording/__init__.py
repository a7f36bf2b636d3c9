"""Data → sentences: what events, causes, rules and faults are called, in the language of who reads them."""

from sandbox.wording.events import sentence, signal_name, status, stretch
from sandbox.wording.faults import fault, operator
from sandbox.wording.laws import law, unbroken, violation
from sandbox.wording.lessons import finding, step_awaited, step_reached
from sandbox.wording.panels import seat, seat_reason, transition, turn
from sandbox.wording.policies import figure, note, parameters, queue, rule
from sandbox.wording.problems import problem, recording
from sandbox.wording.results import (
    defect,
    endings,
    entangled,
    hangs_on_ties,
    later,
    not_compared,
    reproduced,
    sooner,
    stood_in,
    summary,
    unfinished,
    what_if,
)
from sandbox.wording.states import state
from sandbox.wording.templates import Names, listed
from sandbox.wording.waits import burden, burst, cause, client, situation
from sandbox.wording.why import question, score, verdict, why

__all__ = [
    "Names",
    "burden",
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
    "law",
    "listed",
    "not_compared",
    "note",
    "operator",
    "parameters",
    "problem",
    "question",
    "queue",
    "recording",
    "reproduced",
    "rule",
    "score",
    "seat",
    "seat_reason",
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
    "transition",
    "turn",
    "unbroken",
    "unfinished",
    "verdict",
    "violation",
    "what_if",
    "why",
]
