"""Judges a run by its events: its outcome, and what is wrong with it, e.g. a failed claim, a bad exit, a deadlock.

What a scenario claims is intended: an exit of which it says ``exits 1`` is not a bad one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sandbox.analysis.exploration.runs import Outcome
from sandbox.model.claims import DEADLOCK, RUN_FIGURES, AnyClaim, Compares, Happens, InOrder, spoken_of
from sandbox.model.events import Admitted, Clause, Deadlocked, Event, Exited, Fault, Stepped, Wrote
from sandbox.model.spec import Scenario
from sandbox.util.text import clean
from sandbox.views.figures import figures
from sandbox.views.history import History
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import Verdict, happenings, judge

#: Figures of a process that do not only depend on what it does.
_TIMED = ("blocked", "pid", "os_pid")
#: How many characters of the output of a run are kept.
_MAX_PRINTED = 4_000


#: Faults that end a run in which nothing can happen any more, with the rule used here.
_STUCK = {
    "deadlock": DEADLOCK,
    "spins for ever": "all spin",
    "nothing can happen any more": "nobody goes on",
    "waits for somebody to type": "nobody goes on",
    "waits for the other end of a pipe": "nobody goes on",
    "waits for a signal": "nobody goes on",
}


class Stuck(NamedTuple):
    """Why a run did not go on: the rule of a ``Clause``, and the processes concerned."""

    rule: str
    who: tuple[str, ...]


class Plain:
    """Removes from texts what differs from run to run: os_pids are replaced by names, and the ``folder`` of the run is
    removed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/") + "/"
        self._names: dict[str, str] = {}

    def add(self, event: Admitted) -> None:
        """Note one more process."""
        self._names[str(event.os_pid)] = event.name

    def text(self, written: str) -> str:
        """Return the text with the replacements."""
        return _PID.sub(self._instead, clean(written).replace(self._folder, ""))

    def _instead(self, number: re.Match[str]) -> str:
        name = self._names.get(number[0])
        return number[0] if name is None else f"<{name}>"


_PID = re.compile(r"(?<![\w.])\d{3,}(?![\w.]\d)")


def outcome(scenario: Scenario, events: Sequence[Event], plain: Plain, stuck: Stuck | None = None) -> Outcome:
    """Return the outcome of a run. ``stuck``: why it did not end (None: it did)."""
    tracker = LessonTracker(happenings(scenario.claims))
    for event in events:
        tracker.add(event)
    exits = _exits(events, tracker)
    ends = [*_bad_ends(scenario.claims, exits)]
    broken = [*_verdicts(scenario.claims, events, tracker), *ends]
    if stuck is not None and not _is_meant(scenario.claims, stuck):
        at = len(broken) if ends else 0  # who has failed may be the one that the others wait for
        broken.insert(at, Clause(stuck.rule, {"who": ", ".join(stuck.who)}))
    return Outcome(
        broken=tuple(broken),
        printed=_printed(events, tracker, plain),
        exits=tuple(exits),
        shared=_shared(events),
    )


def _exits(events: Iterable[Event], tracker: LessonTracker) -> list[tuple[str, int | None]]:
    ends = {event.pid: event.status for event in events if isinstance(event, Exited)}
    return [(path, ends.get(pid)) for pid, path in sorted(tracker.paths.items(), key=lambda item: item[1])]


def _verdicts(claims: Sequence[AnyClaim], events: Sequence[Event], tracker: LessonTracker) -> Iterator[Clause]:
    """Yield the claims that do not hold."""
    if not claims:
        return
    history = History()
    if any(isinstance(claim, Compares) for claim in claims):
        for event in events:
            history.add(event)
    known = figures(history, tracker) if history.booted is not None else {}
    for verdict in judge(claims, tracker, known):
        if not verdict.held:
            yield Clause("claim fails", {"claim": verdict.claim.text, **_found(verdict)})


def are_timed(claims: Iterable[AnyClaim]) -> bool:
    """Whether one of the claims compares figures that depend on durations, or on the number of interruptions. Then no
    two ways lead to the same state."""
    figures = [name for claim in claims if isinstance(claim, Compares) for name in spoken_of(claim)]
    return any(name in RUN_FIGURES or name.rpartition(".")[2] in RUN_FIGURES + _TIMED for name in figures)


def _found(verdict: Verdict) -> dict[str, str | int | float | None]:
    """Return what was found, without times, which differ from run to run."""
    found = {name: figure for name, figure in verdict.found.figures.items() if not name.endswith("_ns")}
    rule = verdict.found.rule
    return {} if rule == "at" else {"found": rule, **found}


def _bad_ends(claims: Iterable[AnyClaim], exits: Iterable[tuple[str, int | None]]) -> Iterator[Clause]:
    meant = {(each.who, each.what) for each in happenings(claims) if each.verb == "exits"}
    killed = {each.who for each in happenings(claims) if each.verb == "is killed"}
    for path, status in exits:
        if not status or (path, str(status)) in meant or (status < 0 and path in killed):
            continue
        yield Clause("ends badly", {"who": path, "status": status})


def _is_meant(claims: Iterable[AnyClaim], stuck: Stuck) -> bool:
    """Whether the scenario claims this very deadlock."""
    claimed = [claim.happening for claim in claims if isinstance(claim, Happens) and claim.least > 0]
    claimed += [each for claim in claims if isinstance(claim, InOrder) for each in claim.happenings]
    return stuck.rule == DEADLOCK and any(
        each.verb == DEADLOCK and set(each.names) <= set(stuck.who) for each in claimed
    )


def _printed(events: Iterable[Event], tracker: LessonTracker, plain: Plain) -> tuple[tuple[str, str], ...]:
    """Return which process wrote what, in this order. Consecutive pieces of one process are joined."""
    pieces: list[tuple[str, str]] = []
    length = 0
    for event in events:
        if isinstance(event, Wrote) and length < _MAX_PRINTED:
            path, text = tracker.paths.get(event.pid, str(event.pid)), plain.text(event.text)
            length += len(text)
            if pieces and pieces[-1][0] == path:
                pieces[-1] = (path, pieces[-1][1] + text)
            else:
                pieces.append((path, text))
    return tuple(pieces)


def _shared(events: Iterable[Event]) -> tuple[tuple[str, str], ...]:
    """Return the last values of shared variables that were changed."""
    last: dict[str, str] = {}
    for event in events:
        if isinstance(event, Stepped):
            last |= {change.name: change.after for change in event.changed if change.shared}
    return tuple(sorted(last.items()))


def stuck_of(events: Sequence[Event]) -> Stuck | None:
    """Return why the run did not go on, by its events; None if it did."""
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    ended = {event.pid for event in events if isinstance(event, Exited)}
    left = tuple(name for pid, name in names.items() if pid not in ended)
    for event in events:
        if isinstance(event, Deadlocked) and not event.may_end:
            return Stuck(DEADLOCK, tuple(names[pid] for pid in event.core or event.pids if pid in names))
    for event in events:
        if isinstance(event, Fault) and event.what.rule in _STUCK:
            return Stuck(_STUCK[event.what.rule], left)
        if isinstance(event, Fault) and event.what.rule == "turn without end":
            return Stuck("turn without end", (names.get(event.pid or 0, ""),))
    return None
