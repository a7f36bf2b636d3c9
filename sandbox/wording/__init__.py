"""Conversion of data (events, causes, rules, faults, results) to sentences in the reader's language.

Each module is imported when something of it is first used, because most commands need few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.wording.events import change, kind, sentence, signal_name, status, stretch
    from sandbox.wording.faults import add_sentences, fault, operator, run_failed
    from sandbox.wording.happenings import happening
    from sandbox.wording.panels import seat, seat_reason, transition, turn
    from sandbox.wording.policies import figure, note, parameters, parameters_by_name, queue, rule
    from sandbox.wording.problems import problem, recording
    from sandbox.wording.reasons import choice, question, score, verdict, why
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
    from sandbox.wording.templates import Names, clauses, listed
    from sandbox.wording.wait_graph import share, thing, thing_named
    from sandbox.wording.waits import burden, burst, cause, client, deadlock, held, situation, state, waits_for

__all__ = [
    "Names",
    "add_sentences",
    "burden",
    "burst",
    "cause",
    "change",
    "choice",
    "clauses",
    "client",
    "deadlock",
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
    "share",
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
    "thing",
    "thing_named",
    "transition",
    "turn",
    "unbroken",
    "unfinished",
    "verdict",
    "violation",
    "waits_for",
    "what_if",
    "why",
]

#: The modules that are searched for a requested name; those that import none of the others come first.
_PARTS = (
    *("templates", "system", "problems", "faults", "waits", "policies", "wait_graph"),
    *("happenings", "results", "panels", "events", "reasons", "steps"),
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in __all__:
            for part in _PARTS:
                said = vars(import_module(f"{__name__}.{part}"))
                if name in said:
                    globals()[name] = said[name]
                    return said[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
