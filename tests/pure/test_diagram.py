"""The diagram of states: every arrow counted, for each process and for all."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from hypothesis import given, settings

from sandbox.model.events import Admitted, Blocked, Clause, Dispatched, Event, Ready
from sandbox.model.rules import STOPPED
from sandbox.model.spec import Scenario
from sandbox.model.states import LEGAL, State
from sandbox.views.board import Board
from sandbox.views.transitions import TRANSITIONS, Transitions
from tests.support.generated import any_scenario
from tests.support.kernel_script import KernelScript
from tests.support.scenarios import process, scenario, simulate
from tests.support.views import log_of


def drawn(events: Iterable[Event]) -> Transitions:
    diagram = Transitions()
    for event in events:
        diagram.apply(event)
    return diagram


def counts(diagram: Transitions, pid: int | None = None) -> dict[str, int]:
    """Those arrows that were taken."""
    return {name: number for name in TRANSITIONS if (number := diagram.count(name, pid))}


def test_there_is_an_arrow_for_every_legal_way_and_no_other() -> None:
    assert set(TRANSITIONS.values()) == {(state, other) for state, others in LEGAL.items() for other in others}


def lives() -> KernelScript:
    """Every arrow is taken; mind that a pause is no transition."""
    script = KernelScript().admit("a").admit("b").run("a").later("50ms").expire("a").run("b").later("5ms").block("b")
    script.run("a").later("5ms").pause().operator("resumed").run("a").later("5ms").wake("b")
    script.exit("a").exit("b", None, signal.SIGKILL)
    script.admit("c").run("c").block("c").exit("c", None, signal.SIGTERM)
    script.admit("d").run("d").block("d").exit("d", 0)  # it woke, and was over before anybody saw it
    return script.admit("e").exit("e", 1)


def test_each_arrow_is_counted_by_its_reason() -> None:
    diagram = drawn(lives().events)
    assert counts(diagram, 1) == {"admitted": 1, "dispatched": 2, "expired": 1, "exited": 1}
    assert counts(diagram, 2) == {"admitted": 1, "dispatched": 1, "blocked": 1, "woke": 1, "killed while ready": 1}
    assert counts(diagram, 3)["killed while blocked"] == counts(diagram, 4)["exited while blocked"] == 1
    assert counts(diagram, 5) == {"admitted": 1, "exited while ready": 1}
    assert counts(diagram, 6) == {}
    assert diagram.count("dispatched") == 5


def test_stops_are_counted_and_where_they_begin_and_end() -> None:
    """Of who runs, of who waits, of one that arrives waiting; who is stopped twice is stopped."""
    stop, lock = Clause(STOPPED[0]), Clause("lock")
    diagram = drawn(KernelScript().admit("a").run("a").admit("b").events)
    assert not diagram.has_stops
    diagram.apply(Blocked(1, 1, stop))
    assert diagram.has_stops
    moves = [Blocked(2, 1, stop, again=True), Ready(3, 1, "woke"), Dispatched(3, 1, 0, None, lock), Blocked(4, 1, lock)]
    moves += [Blocked(5, 1, stop, again=True), Blocked(6, 1, lock, again=True), Ready(7, 1, "woke")]
    for event in (*moves, Admitted(8, 3, "c", "c"), Blocked(8, 3, lock)):
        diagram.apply(event)
    names = ("stopped", "continued", "blocked", "stopped while blocked", "continued to wait", "woke")
    assert {name: diagram.count(name, 1) for name in names} == dict.fromkeys(names, 1)
    assert counts(diagram, 3) == {"admitted waiting": 1}
    waited = drawn([Admitted(0, 1, "a", "a"), Blocked(0, 1, lock), Blocked(1, 1, stop, again=True)])
    assert waited.has_stops


def test_decisions_of_one_instant_are_remembered_together() -> None:
    events = simulate(scenario(process("a", "cpu 5ms"), process("b", "cpu 9ms"), cpus=2))
    diagram = drawn(event for event in events if event.t_ns == 0)
    assert [(move.pid, move.transition) for move in diagram.recent] == [
        (1, "admitted"), (2, "admitted"), (1, "dispatched"), (2, "dispatched"),
    ]  # fmt: skip


def test_what_led_to_the_last_decision_is_remembered_with_it() -> None:
    script = KernelScript().admit("a").admit("b").run("a").later("50ms").expire("a").run("b")
    diagram = drawn(script.take())
    assert [(move.pid, move.transition) for move in diagram.recent] == [(1, "expired"), (2, "dispatched")]
    for event in script.later("5ms").block("b").take():
        diagram.apply(event)
    assert [(move.pid, move.transition) for move in diagram.recent] == [(2, "blocked")]
    assert diagram.last[1].transition == "expired"
    assert diagram.dispatched[2].t_ns == 50_000_000


@settings(deadline=None, max_examples=60)
@given(any_scenario())
def test_whoever_enters_a_state_leaves_it_or_is_there(world: Scenario) -> None:
    board, half = Board(), None
    events = simulate(world)
    for index, event in enumerate(events):
        board.apply(event)
        if index == len(events) // 2:
            assert_balanced(board)
            half = board.copy()
    assert_balanced(board)
    if half is not None:
        before = counts(half.transitions)
        assert sum(before.values()) <= sum(counts(board.transitions).values())
        for event in events[len(events) // 2 + 1 :]:
            half.apply(event)
        assert counts(half.transitions) == counts(board.transitions)
        assert half.transitions.last == board.transitions.last


def assert_balanced(board: Board) -> None:
    """Of every process, and so of all: it has come into each state as often as it has left it, but for where it is."""
    whole = dict.fromkeys(TRANSITIONS, 0)
    for pid, row in board.rows.items():
        move = board.transitions.last.get(pid)
        where = State.NEW if move is None else TRANSITIONS[move.transition][1]
        assert where is (State.RUNNING if pid in board.transitions.held else row.state)
        for state in State:
            came, went = (
                sum(board.transitions.count(name, pid) for name, ends in TRANSITIONS.items() if ends[end] is state)
                for end in (1, 0)
            )
            assert came - went == (where is state) - (state is State.NEW)
        for name in TRANSITIONS:
            whole[name] += board.transitions.count(name, pid)
    assert whole == {name: board.transitions.count(name) for name in TRANSITIONS}


def test_the_past_has_its_own_counts() -> None:
    past = log_of(lives().events)
    first = past.decision_after(0)
    assert counts(past.at(first).board.transitions) == {"admitted": 2, "dispatched": 1}
    assert past.live.board.transitions.count("dispatched") == 5


def test_whoever_was_running_when_the_machine_paused_is_held() -> None:
    script = KernelScript().admit("a").admit("b").run("a").later("5ms").pause()
    diagram = drawn(script.take())
    assert diagram.held == {1}
    assert diagram.recent[-1].transition == "dispatched", "the pause leaves no mark"
    for event in script.exit("a", None, signal.SIGKILL).take():
        diagram.apply(event)
    assert diagram.held == set()
    assert counts(diagram, 1) == {"admitted": 1, "dispatched": 1, "killed": 1}


def test_only_so_many_moves_are_kept_of_what_led_to_a_decision() -> None:
    diagram = Transitions()
    for pid in range(1, 31):
        diagram.apply(Admitted(0, pid, f"p{pid}", ""))
        diagram.apply(Ready(0, pid, "admitted"))
    assert [move.pid for move in diagram.recent] == [*range(15, 31)]
    diagram.apply(Dispatched(0, 1, 0, None, Clause("any")))
    assert [move.pid for move in diagram.recent][-2:] == [30, 1]
    diagram.apply(Ready(5, 2, "admitted"))
    assert [move.pid for move in diagram.recent] == [2], "what comes later leads to the next one"
