"""Any point of a run is the same, whichever way one comes to it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.model.events import Clause, Dispatched, Event, Wrote, decode
from sandbox.model.spec import Scenario
from sandbox.util.units import MS
from sandbox.views import eventlog as past
from sandbox.views.board import Board
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History
from sandbox.views.intervals import Track
from sandbox.views.network import Network
from tests.support.generated import any_scenario
from tests.support.scenarios import process, scenario, simulate
from tests.support.views import log_of

GOES_ON = Clause("goes on after a pause")


@pytest.fixture(autouse=True)
def _short_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small runs have many."""
    monkeypatch.setattr(past, "_CHAPTER", 7)
    monkeypatch.setattr(past, "_CHAPTER_PER_PROCESS", 1)


def board(it: Board) -> Any:
    """Everything that a board says."""
    rows = {
        pid: [getattr(row, field) for field in row.__slots__ if not field.startswith("_output")]
        + [[*row.output.lines(0, row.output.end)]]
        for pid, row in it.rows.items()
    }
    ours = ("rows", "blocked", "exited", "network", "transitions", "program", "dead")
    plain = {name: value for name, value in vars(it).items() if name not in ours}
    return (
        plain,
        rows,
        [*it.blocked],
        [*it.exited],
        network(it.network),
        vars(it.transitions),
        vars(it.program),
        vars(it.dead),
    )


def network(it: Network) -> Any:
    """Everything that a network says."""
    ends: list[Any] = [*it.listeners.values(), *it.connections.values(), *it.ended]
    return it.number, it._woken_ns, [[getattr(end, field) for field in end.__slots__] for end in ends]


def history(it: History) -> Any:
    """Everything that a history says, but single slices."""
    lives = {
        pid: [getattr(life, field) for field in life.__slots__ if field not in ("track", "last_slice")]
        for pid, life in it.lives.items()
    }
    tracks = [
        (each.times, each.values, each._used_ns)
        for each in (*(life.track for life in it.lives.values()), *it.cpus.values())
    ]
    return lives, tracks, it.now_ns, it.switches, it.undispatched_ns, it.missed, it._last_on, it.booted


def moment(it: Moment) -> Any:
    return it.index, board(it.board), history(it.history), it.names


def prefix(events: list[Event], count: int) -> Moment:
    folded = Moment()
    for event in events[:count]:
        folded.apply(event)
    return folded


def with_output(events: list[Event]) -> list[Event]:
    """Somebody writes after each decision."""
    told: list[Event] = []
    for event in events:
        told.append(event)
        if isinstance(event, Dispatched):
            told.append(Wrote(event.t_ns, event.pid, "console", f"{len(told)}\n"[: 1 + len(told) % 3]))
    return told


@settings(deadline=None, max_examples=80)
@given(any_scenario(), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_any_prefix_is_the_same_forwards_and_by_going_back(world: Scenario, points: list[int]) -> None:
    events = with_output(simulate(world))
    it = log_of(events)
    near: Moment | None = None
    for point in points:
        index = point % (len(events) + 1)
        near = it.at(index, near)
        assert moment(near) == moment(prefix(events, index))
    assert moment(it.live) == moment(prefix(events, len(events))), "looking back leaves no trace"
    assert [decode(line) for block in it.blocks() for line in block.splitlines()] == events


@settings(deadline=None, max_examples=60)
@given(any_scenario(), st.integers(0, 10**6))
def test_decision_by_decision_there_and_back(world: Scenario, point: int) -> None:
    events = simulate(world)
    it = log_of(events)
    made = [index + 1 for index, event in enumerate(events) if isinstance(event, Dispatched) and event.why != GOES_ON]
    index = point % (len(events) + 1)
    assert it.decision_before(index) == max((each for each in made if each < index), default=0)
    assert it.decision_after(index) == min((each for each in made if each > index), default=len(events))
    t_ns = events[index - 1].t_ns if index else 0
    for later_ns in (0, MS // 2):
        assert it.index_at(t_ns + later_ns) == sum(event.t_ns <= t_ns + later_ns for event in events)


def test_the_next_change_of_a_process() -> None:
    world = scenario(process("a", "cpu 200ms"), process("b", "cpu 5ms", "io 50ms", "cpu 5ms"), quantum_ns=MS)
    events = simulate(world)
    it = log_of(events)
    found, index = [], 0
    while (after := it.next_of(2, index)) is not None:
        index = after
        found.append(index - 1)
    changes = ("Ready", "Dispatched", "Blocked", "Exited")
    assert found == [
        at for at, event in enumerate(events) if type(event).__name__ in changes and getattr(event, "pid", None) == 2
    ]


def test_chapters_begin_between_two_instants() -> None:
    """Thirty processes at one instant are one chapter, however long."""
    events = simulate(scenario(*(process(f"p{number}", "cpu 1ms") for number in range(30))))
    it = EventLog()
    for event in events:
        it.add(event)
    firsts = [chapter.first for chapter in it._chapters]
    assert len(firsts) > 2
    assert all(events[first].t_ns > events[first - 1].t_ns for first in firsts[1:])
    for index in random.Random(1).sample(range(len(events)), 20):
        assert moment(it.at(index)) == moment(prefix(events, index))


def test_a_track_tells_what_held_and_how_long_it_was_used() -> None:
    """Positive values are use; a change holds from its own time on, and what lasted no time leaves no trace."""
    track = Track()
    assert (track.at(5), track.before(5), track.used_ns(5), len(track)) == (-1, -1, 0, 0)
    for t_ns, value in ((10, 1), (20, 0), (30, 2), (50, 2), (60, -1)):
        track.put(t_ns, value)
    assert [track.at(t_ns) for t_ns in (9, 10, 19, 20, 59, 60, 99)] == [-1, 0, 0, 1, 3, 4, 4]
    assert [track.before(t_ns) for t_ns in (10, 11, 20, 21, 60, 61)] == [-1, 0, 0, 1, 3, 4]
    assert [track.end_ns(index, 99) for index in range(5)] == [20, 30, 50, 60, 99]
    assert [track.used_ns(t_ns) for t_ns in (5, 10, 15, 20, 25, 30, 45, 55, 60, 99)] == [
        0,
        0,
        5,
        10,
        10,
        10,
        25,
        35,
        40,
        40,
    ]
    first = track.until(25)
    track.put(70, 3)
    assert ([*first.times], [*first.values], first.used_ns(99)) == ([10, 20], [1, 0], 10)
    passing = Track()
    for t_ns, value in ((10, 1), (10, 2), (20, 0), (20, 2), (30, 0), (30, 0), (40, 0)):
        passing.put_in_passing(t_ns, value)
    assert [*zip(passing.times, passing.values, strict=True)] == [(10, 2), (30, 0)]
    assert passing.used_ns(50) == 20


def test_a_track_that_grows_too_long_loses_every_second_pair_of_its_older_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time used up to each change that is left is as it was."""
    monkeypatch.setattr("sandbox.views.intervals.MAX_CHANGES", 16)
    track = Track()
    for t_ns in range(17):
        track.put(t_ns, t_ns % 2)
    assert [*track.times] == [0, 1, 4, 5, *range(8, 17)]
    assert [*track.values] == [t_ns % 2 for t_ns in track.times]
    assert [track.used_ns(t_ns) for t_ns in track.times] == [t_ns // 2 for t_ns in track.times]
