"""Data → sentences: what events, causes, rules and faults are called, in the reader's language."""

from sandbox.wording.events import change, kind, sentence, signal_name, status, stretch
from sandbox.wording.faults import add_sentences, fault, operator, run_failed
from sandbox.wording.happenings import happening
from sandbox.wording.panels import seat, seat_reason, transition, turn
from sandbox.wording.policies import figure, note, parameters, parameters_by_name, queue, rule
from sandbox.wording.problems import problem, recording
from sandbox.wording.results import (
    defect,
    endings,
    entangled,
    finding,
    hangs_on_ties,
    later,
    law,
    not_compared,
    reproduced,
    sooner,
    step_awaited,
    step_reached,
    stood_in,
    summary,
    unbroken,
    unfinished,
    violation,
    what_if,
)
from sandbox.wording.steps import missing
from sandbox.wording.system import system_error
from sandbox.wording.templates import Names, listed
from sandbox.wording.waits import burden, burst, cause, client, held, situation, state
from sandbox.wording.why import choice, question, score, verdict, why

__all__ = [
    "Names",
    "add_sentences",
    "burden",
    "burst",
    "cause",
    "change",
    "choice",
    "client",
    "defect",
    "endings",
    "entangled",
    "fault",
    "figure",
    "finding",
    "hangs_on_ties",
    "happening",
    "held",
    "kind",
    "later",
    "law",
    "listed",
    "missing",
    "not_compared",
    "note",
    "operator",
    "parameters",
    "parameters_by_name",
    "problem",
    "question",
    "queue",
    "recording",
    "reproduced",
    "rule",
    "run_failed",
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
    "system_error",
    "transition",
    "turn",
    "unbroken",
    "unfinished",
    "verdict",
    "violation",
    "what_if",
    "why",
]
