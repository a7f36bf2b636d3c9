"""Stopped, zombie, orphan: what the board makes of them, how they are told, and that they are only there if they are."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from sandbox import wording
from sandbox.model.claims import Happening, parse_happening
from sandbox.model.commands import Signal, parse_command
from sandbox.model.events import Adopted, Blocked, Clause, Event, Reaped, Waits, Zombie, decode, encode
from sandbox.model.states import State
from sandbox.model.values import BadValue
from sandbox.views.board import Board
from sandbox.views.tracker import LessonTracker
from tests.support.kernel_script import KernelScript


def board_of(events: Sequence[Event]) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


def family() -> KernelScript:
    """A boss, whose child has ended, and a stranger."""
    script = KernelScript().admit("boss").admit("child", parent="boss").admit("other")
    return script.run("boss").later("1ms").block("boss").run("child").later("1ms").exit("child", 3)


def test_who_was_stopped_is_in_a_state_of_its_own_until_somebody_continues_it() -> None:
    script = KernelScript().admit("a").admit("b")
    board = board_of([*script.events])
    assert not board.transitions.has_stops
    script.take()
    script.run("a").later("1ms").block("a", "stopped", signal="SIGTSTP")
    for event in script.take():
        board.apply(event)
    assert board.rows[1].state is State.STOPPED
    assert [*board.stopped] == [1]
    assert not board.blocked
    assert board.transitions.has_stops
    again = board.copy()
    for event in script.wake("a").take():
        again.apply(event)
    assert again.rows[1].state is State.READY
    assert not again.stopped
    assert (again.transitions.count("stopped"), again.transitions.count("continued")) == (1, 1)
    assert [*board.stopped] == [1], "a copy is one"
    for event in script.exit("a", None, signal.SIGKILL).take()[-1:]:
        board.apply(event)
    assert board.transitions.count("killed while stopped") == 1


def test_one_that_waits_may_be_stopped_meanwhile_and_wait_on() -> None:
    script = KernelScript().admit("a").run("a").later("1ms").block("a", "read pipe")
    board = board_of(script.take())
    board.apply(Waits(script.at, 1, "pipe", [1], "seen"))
    for on, state in ((Clause("stopped", {"signal": "SIGSTOP"}), State.STOPPED), (Clause("read pipe"), State.BLOCKED)):
        board.apply(Blocked(script.at, 1, on, again=True))
        assert board.rows[1].state is state
        assert board.rows[1].waits_for is None
    assert board.transitions.count("stopped while blocked") == board.transitions.count("continued to wait") == 1
    assert [*board.blocked] == [1]


def test_a_zombie_is_one_until_somebody_asks() -> None:
    script = family()
    board = board_of(script.take())
    board.apply(Zombie(script.at, 2, 1))
    assert board.rows[2].zombie_of == 1
    assert board.rows[2].state is State.EXITED
    board.apply(Reaped(script.at, 2, 1))
    assert board.rows[2].zombie_of is None
    board.apply(Adopted(script.at, 1))
    assert board.rows[1].adopted is not None
    board.apply(Reaped(script.at, 99))  # nobody remembers it


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Zombie(0, 2, 1), "child is a zombie: it has ended, and its parent boss has not asked how"),
        (Reaped(0, 2, 1), "boss has asked for the end of child, and nothing is left of it"),
        (Reaped(0, 2), "nothing is left of child: its parent has ended, and ossandbox has asked for its end"),
        (Adopted(0, 2, 1), "child has lost its parent; boss has adopted it"),
        (Adopted(0, 2), "child has lost its parent; ossandbox has adopted it"),
    ],
)
def test_it_is_told_in_words_and_written_as_any_event(event: Event, said: str) -> None:
    assert wording.sentence(event, {1: "boss", 2: "child"}) == said
    assert decode(encode(event)) == event


def test_claims_know_them() -> None:
    claims = [parse_happening(f"boss/1 {what}") for what in ("is a zombie", "is reaped", "is adopted", "is stopped")]
    claims += [Happening("other", "is abandoned")]
    story = LessonTracker(claims)
    script = family()
    for event in script.take():
        story.add(event)
    for event in (Zombie(5, 2, 1), Reaped(6, 2, 1), Adopted(7, 2), Waits(8, 3, "lock", [], "said")):
        story.add(event)
    story.add(Blocked(9, 2, Clause("stopped", {"signal": "SIGSTOP"})))
    assert [story.times[claim].number for claim in claims] == [1, 1, 1, 1, 1]
    assert parse_happening("report is aged") == Happening("report", "is", "aged")


def test_a_script_may_send_signals() -> None:
    assert parse_command("signal server SIGHUP") == parse_command("signal server HUP") == Signal("server", "HUP")
    with pytest.raises(BadValue):
        parse_command("signal server FOO")
