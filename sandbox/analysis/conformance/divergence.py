"""Finds the first instant at which two policies decide differently."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.analysis.conformance.laws import Events, Scene
from sandbox.analysis.conformance.verdicts import Violation
from sandbox.i18n import N_
from sandbox.model.clause import Clause, Figure

#: A time, and the names of the processes that are on the CPUs from then on.
Turn = tuple[int, frozenset[str]]


def diverge(ours: Events, theirs: Events) -> Violation | None:
    """Return where other processes have the CPUs in the first run than in the second; None if the policies always
    decide alike. The division of a turn into slices, and which CPU a process has, does not matter."""
    for (t_ns, mine), (their_ns, yours) in zip(_turns(ours), _turns(theirs), strict=False):
        if (t_ns, mine) != (their_ns, yours):
            return _violation(ours, theirs, min(t_ns, their_ns))
    return None


def _violation(ours: Events, theirs: Events, t_ns: int) -> Violation:
    mine, yours = _running(ours, t_ns), _running(theirs, t_ns)
    figures: dict[str, Figure] = {"ours": _names(mine - yours), "theirs": _names(yours - mine)}
    return Violation(Clause("decides otherwise", figures), t_ns)


def _names(who: Iterable[str]) -> str:
    return ", ".join(sorted(who)) or N_("nobody")


def _turns(events: Events) -> list[Turn]:
    """Return every change of the set of processes on the CPUs, at the end of each instant. It is empty at last."""
    scene = Scene()
    turns: list[Turn] = [(0, frozenset())]
    for index, event in enumerate(events):
        scene.follow(event)
        if index + 1 == len(events) or events[index + 1].t_ns > event.t_ns:
            who = frozenset(scene.names[pid] for pid in scene.running.values())
            if who != turns[-1][1]:
                turns.append((event.t_ns, who))
    return turns


def _running(events: Events, t_ns: int) -> frozenset[str]:
    """Return the processes that are on the CPUs after an instant."""
    return next(who for start_ns, who in reversed(_turns(events)) if start_ns <= t_ns)
