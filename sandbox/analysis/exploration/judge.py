"""Events of a run → what came of it, and what of that must not be: a claim that does not hold, a bad end, a deadlock.

What a scenario claims itself is meant: of a process of which it says ``exits 1``, that end is no bad one.
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

#: Figures of a process that depend on more than on what it does.
_TIMED = ("blocked", "pid", "os_pid")
#: Characters of what is printed in a run that are kept.
_MAX_PRINTED = 4_000


#: Faults that end a run in which nothing can happen any more, and what that is here.
_STUCK = {
    "deadlock": DEADLOCK,
    "spins for ever": "all spin",
    "nothing can happen any more": "nobody goes on",
    "waits for somebody to type": "nobody goes on",
}


class Stuck(NamedTuple):
    """Why a run went no further: a rule of ``Clause``, and about whom it is."""

    rule: str
    who: tuple[str, ...]


class Plain:
    """What is written, without what differs each time: the numbers of processes become their names, and the ``folder``
    in which they run is left out."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/") + "/"
        self._names: dict[str, str] = {}

    def add(self, event: Admitted) -> None:
        """One more process."""
        self._names[str(event.os_pid)] = event.name

    def text(self, written: str) -> str:
        """The same text for the same run."""
        return _PID.sub(self._instead, clean(written).replace(self._folder, ""))

    def _instead(self, number: re.Match[str]) -> str:
        name = self._names.get(number[0])
        return number[0] if name is None else f"<{name}>"


_PID = re.compile(r"(?<![\w.])\d{3,}(?![\w.]\d)")


def outcome(scenario: Scenario, events: Sequence[Event], plain: Plain, stuck: Stuck | None = None) -> Outcome:
    """What came of a run. ``stuck``: it did not come to its end, and why."""
    tracker = LessonTracker(happenings(scenario.claims))
    for event in events:
        tracker.add(event)
    exits = _exits(events, tracker)
    broken = [*_verdicts(scenario.claims, events, tracker), *_bad_ends(scenario.claims, exits)]
    if stuck is not None and not _is_meant(scenario.claims, stuck):
        broken.insert(0, Clause(stuck.rule, {"who": ", ".join(stuck.who)}))
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
    """The claims that do not hold."""
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
    """Whether one of them compares what depends on how long something took, or how often it was interrupted: then no
    two ways lead to the same."""
    figures = [name for claim in claims if isinstance(claim, Compares) for name in spoken_of(claim)]
    return any(name in RUN_FIGURES or name.rpartition(".")[2] in RUN_FIGURES + _TIMED for name in figures)


def _found(verdict: Verdict) -> dict[str, str | int | float | None]:
    """What was found, without its times: they differ each time."""
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
    """Who wrote what, in this order; pieces of one process that follow each other are joined."""
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
    """The last values of shared variables that anybody has changed."""
    last: dict[str, str] = {}
    for event in events:
        if isinstance(event, Stepped):
            last |= {change.name: change.after for change in event.changed if change.shared}
    return tuple(sorted(last.items()))


def stuck_of(events: Sequence[Event]) -> Stuck | None:
    """Why the run went no further, by its own events."""
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
