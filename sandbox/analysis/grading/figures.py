"""The figures of a run that claims can use: those of lessons, and some that are for grading only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sandbox.model.claims import AnyClaim
from sandbox.model.events import Dispatched, Exited, Ready
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.units import show_duration
from sandbox.views.figures import Figure, figures
from sandbox.views.history import History
from sandbox.views.intervals import READY
from sandbox.views.metrics import fold, metrics
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import Verdict, happenings, judge

#: ``share_error``: the greatest error of a process's share of the CPU compared with its tickets, while all are there;
#: ``missed_admitted``: missed deadlines of processes that pass admission control; ``longest_wait``: the longest time
#: that a process was READY without a turn; ``latency``: the mean time from waking up to a turn; ``unfinished``: the
#: number of processes that have not exited.
MORE = (
    *("share_error", "missed_admitted", "longest_wait", "latency", "unfinished"),
    *("response_max", "turnaround_max"),
)


def known(
    scenario: Scenario, events: Sequence[Any], claims: Iterable[AnyClaim] = ()
) -> tuple[dict[str, Figure], LessonTracker]:
    """Return all figures of a run, and the tracker of the claims' happenings."""
    history, tracker = fold(events), LessonTracker(happenings(claims))
    for event in events:
        tracker.add(event)
    run = metrics(history)
    admitted = {process.name for process in admitted_of(scenario)}
    more: dict[str, Figure] = {
        "missed_admitted": _number(
            sum(life.missed for life in history.lives.values() if life.admitted.name in admitted)
        ),
        "longest_wait": _duration(longest_wait_ns(history)),
        "unfinished": _number(
            len(scenario.processes) - sum(life.exited is not None for life in history.lives.values())
        ),
        "latency": _duration(latency_ns(events)),
    }
    if (error := share_error(scenario, history)) is not None:
        more["share_error"] = Figure(error, f"{error:.1%}")
    for name, key, part in (
        ("response_max", "response_ns", "max"),
        ("turnaround_max", "turnaround_ns", "max"),
    ):
        if run[key][part] is not None:
            more[name] = _duration(run[key][part])
    return figures(history, tracker) | more, tracker


def verdicts(
    scenario: Scenario, events: Sequence[Any], claims: Sequence[AnyClaim], beside: dict[str, Figure]
) -> list[Verdict]:
    """Check each claim against a run."""
    found, tracker = known(scenario, events, claims)
    return judge(claims, tracker, beside | found)


def admitted_of(scenario: Scenario) -> list[ProcessSpec]:
    """Return the periodic processes that pass admission control: in the order of their arrival, as long as the sum of
    their utilisations is at most 1."""
    found: list[ProcessSpec] = []
    load = 0.0
    for process in sorted(scenario.processes, key=lambda process: process.arrive_ns):
        if process.period_ns is None or not process.repeat:
            continue
        needs = (process.demand_ns or 0) / process.repeat / process.period_ns
        if load + needs <= 1 + 1e-9:  # floating-point sums may exceed 1 slightly
            load += needs
            found.append(process)
    return found


def share_error(scenario: Scenario, history: History) -> float | None:
    """Return the share error between the last arrival and the first exit; None if there is no time between them."""
    tickets = {process.name: process.tickets for process in scenario.processes}
    lives = [life for life in history.lives.values() if life.admitted.name in tickets]
    ends_ns = [life.exited.t_ns for life in lives if life.exited is not None]
    begin_ns = max((life.admitted.t_ns for life in lives), default=0)
    end_ns = min(ends_ns, default=history.now_ns)
    total_ns, total = (end_ns - begin_ns), sum(tickets.values())
    if total_ns <= 0 or len(lives) < len(tickets):
        return None
    used = {life.admitted.name: life.track.used_ns(end_ns) - life.track.used_ns(begin_ns) for life in lives}
    all_ns = sum(used.values())
    return max(abs(used[name] / all_ns - each / total) for name, each in tickets.items()) if all_ns else None


def longest_wait_ns(history: History) -> int:
    """Return the longest time for which a process was READY without interruption."""
    longest = 0
    for life in history.lives.values():
        since_ns: int | None = None
        for t_ns, value in zip(life.track.times, life.track.values, strict=True):
            if value == READY:
                since_ns = t_ns if since_ns is None else since_ns
            elif since_ns is not None:
                longest, since_ns = max(longest, t_ns - since_ns), None
        if since_ns is not None:
            longest = max(longest, history.now_ns - since_ns)
    return longest


def latency_ns(events: Sequence[Any]) -> int:
    """Return the mean time from waking up to being dispatched."""
    woke_ns: dict[int, int] = {}
    waited = [event.t_ns - woke_ns.pop(event.pid) for event in _woken_or_picked(events, woke_ns)]
    return round(sum(waited) / len(waited)) if waited else 0


def _woken_or_picked(events: Sequence[Any], woke_ns: dict[int, int]) -> Iterator[Dispatched]:
    """Yield the first dispatch of each process after waking up; ``woke_ns``: when each has woken up, by pid."""
    for event in events:
        match event:
            case Ready(pid=pid, reason="woke", t_ns=t_ns):
                woke_ns[pid] = t_ns
            case Dispatched(pid=pid) if pid in woke_ns:
                yield event
            case Exited(pid=pid):
                woke_ns.pop(pid, None)


def _duration(ns: int) -> Figure:
    return Figure(ns, show_duration(ns))


def _number(number: int) -> Figure:
    return Figure(number, str(number))
