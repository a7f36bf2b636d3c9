"""What a terminal was sent: places stay what they are, memory is bounded, and a terminal is begun where one is needed."""

from __future__ import annotations

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Arrived, Asked, Carry, Happened, Obeyed, Started
from sandbox.kernel.operator import CommandInterpreter
from sandbox.model.commands import AnyCommand, Command, Keys, Resize, Type
from sandbox.model.events import Admitted, Clause, Event, Operator, Terminal, Wrote, decode, encode
from sandbox.model.spec import MachineSpec
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.rr import RoundRobin
from sandbox.tui.panels.console.player import Player
from sandbox.util.units import MS, S
from sandbox.views.board import Board
from sandbox.views.tape import MAX_CHARACTERS, Size, Tape, sent
from tests.support.scenarios import process

SIZE = Size(5, 20)


def board_of(*events: Event) -> Board:
    board = Board()
    for event in (Admitted(0, 1, "it", "it"), *events):
        board.apply(event)
    return board


def test_places_stay_the_same() -> None:
    tape = Tape(SIZE)
    tape.write("abc")
    tape.resize(Size(6, 30))
    tape.write("de")
    tape.write("fg")
    assert [*tape.since(0)] == ["abc", Size(6, 30), "defg"]
    assert [*tape.since(1)] == ["bc", Size(6, 30), "defg"]
    assert [*tape.since(3)] == [Size(6, 30), "defg"]
    assert [*tape.since(6)] == ["fg"]
    assert [*tape.since(tape.end)] == []
    assert (tape.at(1), tape.at(3), tape.at(4)) == ("bc", Size(6, 30), "defg")


def test_the_oldest_is_forgotten_but_not_how_large_it_was() -> None:
    tape = Tape(SIZE)
    tape.resize(Size(7, 70))
    for number in range(3_000):
        tape.write(f"{number:04}" + "x" * 996)
    assert tape.end - tape.first <= MAX_CHARACTERS + 10_000
    assert tape.size == Size(7, 70)
    assert next(tape.since(tape.end - 1_000)) == "2999" + "x" * 996


def test_a_copy_goes_its_own_way() -> None:
    tape = Tape(SIZE)
    tape.write("a")
    other = tape.copy()
    tape.write("b")
    other.write("c")
    assert ([*tape.since(0)], [*other.since(0)]) == (["ab"], ["ac"])


def test_only_what_needs_a_terminal_has_one() -> None:
    lines = board_of(Wrote(1, 1, "console", "\x1b[31mred\x1b[m\n 10%\r"), Terminal(2, 1, 9, 40)).rows[1]
    assert lines.tape is None
    keys = board_of(Wrote(1, 1, "console", "\x1b[31mred\x1b[m\nx"), Terminal(2, 1, 9, 40, canonical=False)).rows[1]
    assert keys.tape is not None
    assert keys.tape.size == Size(9, 40)
    assert [*keys.tape.since(0)] == ["\x1b[0;38;5;1mred\r\n\x1b[0mx\x1b[0m"], "what was there before is there"
    screen = board_of(Wrote(1, 1, "console", "a\n"), Wrote(2, 1, "console", "b", "\x1b[2Jb")).rows[1]
    assert screen.tape is not None
    assert [*screen.tape.since(0)] == ["\x1b[0ma\r\n\x1b[0m\x1b[2Jb"]


def test_the_present_does_not_change_what_has_been() -> None:
    board = board_of(Wrote(1, 1, "console", "b", "\x1b[2Jb"))
    before = board.copy()
    board.apply(Wrote(2, 1, "console", "c", "c\x1b[K\x07"))
    board.apply(Terminal(3, 1, 9, 40))
    old, new = before.rows[1].tape, board.rows[1].tape
    assert old is not None
    assert new is not None
    assert [*old.since(0)] == ["\x1b[0m\x1b[2Jb"]
    assert [*new.since(old.end)] == ["c\x1b[K\x07", Size(9, 40)]
    assert before.rows[1].terminal.rows == 24


def test_events_say_no_more_than_they_must() -> None:
    assert b"raw" not in encode(Wrote(1, 1, "console", "a\n"))
    event = Wrote(1, 1, "console", "a", "\x1b[Ha")
    assert decode(encode(event)) == event
    assert sent(event) == "\x1b[Ha"
    assert sent(Wrote(1, 1, "console", "a\nb")) == "a\r\nb"


# Playing


def test_a_player_goes_on_back_and_anew() -> None:
    tape, player = Tape(SIZE), Player()
    tape.write("one\r\n")
    player.look_at("a", tape)
    assert player.play(1)
    early = tape.copy()
    tape.resize(Size(6, 30))
    tape.write("two")
    player.look_at("a", tape)
    assert player.play(1)
    assert player.emulator is not None
    assert (player.emulator.text.split(), player.emulator.rows, player.emulator.columns) == (["one", "two"], 6, 30)
    player.look_at("a", early)
    assert player.play(1)
    assert (player.emulator.text.split(), player.emulator.rows) == (["one"], 5)
    assert player.look_at("b", early)
    assert not player.look_at("b", early)


def test_questions_are_answered_once_and_only_when_they_are_new() -> None:
    tape, player = Tape(SIZE), Player()
    tape.write("\x1b[6n")
    early = tape.copy()
    player.look_at("a", tape)
    player.play(1)
    assert player.answers() == "", "that was before anybody looked"
    tape.write("x\x1b[6n")
    player.look_at("a", tape)
    player.play(1)
    assert player.answers() == "\x1b[1;2R"
    for again in (early, tape):
        player.look_at("a", again)
        player.play(1)
        assert player.answers() == ""


def test_who_is_far_behind_goes_on_with_what_is_kept() -> None:
    tape, player = Tape(SIZE), Player()
    tape.write("\x1b[2J")
    player.look_at("a", tape)
    player.play(1)
    tape.resize(Size(7, 30))
    for number in range(3_000):
        tape.write(f"\x1b[m{number}\r\n" + "\x1b[m" * 100)
    tape.write("end")
    player.look_at("a", tape)
    assert not player.play(0)
    times = 0
    while not player.play(1) and times < 100:
        times += 1
    assert player.emulator is not None
    assert player.emulator.text.endswith("2999\nend")
    assert player.emulator.rows == 7


# What is asked of the kernel


def asked(*commands: AnyCommand, at: int = 0) -> tuple[list[Command], list[Clause]]:
    """What of it reaches the machine, and what is told of it; every ``at`` ns one command."""
    kernel = Kernel(RoundRobin({"quantum": "20ms"}))
    kernel.tell(Happened(0, [Arrived(1, process("vim", "cpu 1s"))], {}))
    kernel.decide()
    kernel.settle(Obeyed({1: Started(0, 0)}, {}, {}))
    interpreter = CommandInterpreter(kernel, PolicyFactory(MachineSpec()).next)
    carried: list[Command] = []
    did: list[Clause] = []
    for number, command in enumerate(commands):
        happened = Happened(MS + number * at, [Asked(command)], {})
        kernel.tell(happened)
        interpreter.obey(happened)
        carried += [order.command for order in kernel.decide() if isinstance(order, Carry)]
        did += [event.did for event in kernel.settle(Obeyed({}, {}, {})) if isinstance(event, Operator)]
    return carried, did


def test_that_somebody_types_is_told_when_they_begin() -> None:
    keys = [Keys("vim", key) for key in "abc"]
    assert asked(*keys) == (keys, [Clause("keys", {"pid": 1})])
    assert asked(*keys, at=3 * S)[1] == [Clause("keys", {"pid": 1})] * 3
    assert asked(Keys("vim", "\x1b[0n", automatic=True))[1] == []
    assert asked(Resize("1", 5, 20)) == ([Resize("1", 5, 20)], [])
    assert asked(Resize("9", 5, 20), Keys("9", "x")) == ([], []), "who has just ended needs neither"


def test_a_password_is_nobodys_business() -> None:
    secret = Type("vim", "secret", unseen=True)
    assert asked(secret) == ([secret], [Clause("typed unseen", {"pid": 1})])
