"""The terminal of a console shows what others show, and nothing that it is sent can hang it, resize it or make it talk.

``tests/vectors/terminals`` has sessions as programs sent them, and the screens that tmux 3.3a made of those
(``capture-pane -p -e -N``).
"""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from sandbox.tui.panels.console.emulator import MAX_HISTORY, Emulator
from sandbox.tui.panels.console.keyboard import pressed
from sandbox.views.console import PLAIN, ConsoleText, Line, Look

SESSIONS = Path(__file__).parents[1] / "vectors" / "terminals"
#: Rows, columns, and where the cursor is at the end.
RECORDED = {
    "vim": (24, 80, (1, 4)),
    "less": (20, 60, (19, 1)),
    "nano": (24, 80, (21, 28)),
    "python": (20, 70, (13, 4)),
    "bash": (20, 70, (18, 2)),
}


def cells(line: Line) -> list[tuple[str, Look]]:
    """Each character with its look; what is blank at the end of a line is no part of it."""
    found = [(character, look) for text, look in line for character in text]
    while found and found[-1] == (" ", PLAIN):
        found.pop()
    return found


def shown(*pieces: str, rows: int = 5, columns: int = 20) -> Emulator:
    emulator = Emulator(rows, columns)
    for piece in pieces:
        emulator.feed(piece)
    return emulator


def everything(emulator: Emulator) -> list[str]:
    """The lines above the screen, and the screen."""
    rows = range(-emulator.history, emulator.rows)
    return ["".join(text for text, _ in emulator.line(row)).rstrip() for row in rows]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("piece", [100_000, 37])
def test_it_shows_what_tmux_shows(name: str, piece: int) -> None:
    rows, columns, cursor = RECORDED[name]
    emulator = Emulator(rows, columns)
    sent = (SESSIONS / f"{name}.vt").read_bytes().decode()
    for start in range(0, len(sent), piece):
        emulator.feed(sent[start : start + piece])
    screen = ConsoleText()
    screen.write((SESSIONS / f"{name}.screen").read_bytes().decode())
    expected = [cells(line) for line in screen.lines(0, screen.end)]
    expected += [[]] * (rows - len(expected))
    for row in range(rows):
        assert cells(emulator.line(row)) == expected[row], f"row {row}"
    assert emulator.cursor == cursor


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[8;200;300t", "\x1b[21t", "\x1b]0;evil\x07\x1b[21t", "\x1b[?40h\x1b[?3h", "\x1b[132$|", "\x05",
        "\x1b[5i", "\x1bP0;0|17/68656c6c6f\x1b\\", "\x1b[?2l", "\x1b[?2048h", "\x1b[18t", "\x1b[14t", "\x1bP$qm\x1b\\",
        "\x1b]52;c;?\x07", "\x1b]4;1;?\x07", "\x1bP+q544e\x1b\\", "\x1b[>q", "\x1b[?6c", "\x1b[63;1\"p", "\x9b21t",
        "\x1b]10;#ff0000\x07", "\x1b[1;1;5;5*y", "\x1b[?1;1;1;1;2$w", "\x1b[1$w",
    ],
)  # fmt: skip
def test_nothing_resizes_it_or_makes_it_talk(hostile: str) -> None:
    emulator = shown("before", hostile, "\r\nafter")
    assert (emulator.rows, emulator.columns, len(everything(emulator))) == (5, 20, 5)
    assert {len(cells(emulator.line(row))) for row in range(5)} <= set(range(21))
    assert emulator.answers() == ""
    assert "after" in emulator.text, "nobody prints elsewhere, and it is no other terminal now"
    assert emulator.key("f1", None, ()) == "\x1bOP", "its keys are as they were"


def test_it_answers_what_every_terminal_is_asked() -> None:
    emulator = shown("ab\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[?2026$p")
    assert emulator.answers() == "\x1b[?62;22c\x1b[>1;10;0c\x1b[0n\x1b[1;3R\x1b[?2026;2$y"
    emulator = Emulator(5, 20, background=(255, 255, 255))
    emulator.feed("\x1b]11;?\x07")
    assert emulator.answers() == "\x1b]11;rgb:ffff/ffff/ffff\x07"
    emulator.feed("\x1b[c" * 10_000)
    assert len(emulator.answers()) < 1_000, "not more than anybody could want to know"


@pytest.mark.parametrize("begun", ["\x1b]0;", "\x1bP", "\x1b[", "\x1b_", "\x1bX"])
def test_a_sequence_without_end_is_given_up(begun: str) -> None:
    emulator = shown(begun)
    for _ in range(100):
        emulator.feed("1" * 1_000)
    emulator.feed("\x1b\\\x1bc" + "here")
    assert "here" in emulator.text
    assert len(emulator._board.parser.buffer) < 10_000


def test_strings_for_others_are_left_out_wherever_they_are_cut() -> None:
    text = "A\x1b]0;title\x1b\\B\x1bPpicture\x07C\x1b]8;;http://x\x07D\x1b]8;;\x07E\x1b_x\x18F\x1b]0;y\x1b[1mG"
    for size in (1, 2, 3, 5, 1_000):
        assert shown(*(text[start : start + size] for start in range(0, len(text), size))).text.strip() == "ABCDEFG"


def test_random_bytes_do_no_harm() -> None:
    draw = random.Random(17)
    emulator = Emulator(24, 80)
    for _ in range(20):
        emulator.feed(draw.randbytes(1_500).decode("latin-1"))
        emulator.feed(draw.randbytes(1_500).decode("utf-8", "replace"))
        assert len(emulator.text.split("\n")) == 24
        assert not {unicodedata.category(character) for character in emulator.text} & {"Cf", "Cs"}
        assert not {*emulator.text.replace("\n", "")} & {*map(chr, (*range(32), *range(127, 160)))}
        emulator.answers()
    emulator.feed("\x1b\\\x18\x1bchere")
    assert emulator.text.strip() == "here"


def test_a_crowd_of_combining_marks_is_one_character() -> None:
    emulator = shown("a" + "\u0301" * 100_000 + "b", "e\u0301\u0302x")
    (text, look), *_ = emulator.line(0)
    assert look == PLAIN
    assert text.replace("\u0301", "").replace("\u0302", "").strip() == "abex"
    assert len(text) < 40
    emulator.feed("\x1bcn\u0303o")
    assert cells(emulator.line(0)) == [("n", PLAIN), ("\u0303", PLAIN), ("o", PLAIN)]
    assert emulator.cursor == (0, 2), "also after a reset"


@pytest.mark.parametrize("seed", range(6))
def test_a_flood_is_what_comes_of_it_line_by_line(seed: int) -> None:
    draw = random.Random(seed)
    rows, columns = draw.randint(3, 20), draw.randint(10, 60)
    lengths = [draw.choice([0, 1, 5, columns - 1, columns, columns + 1, 150]) for _ in range(draw.choice([300, 2_000]))]
    text = "".join("".join(chr(draw.randint(32, 126)) for _ in range(size)) + "\r\n" for size in lengths)
    quick, slow = (shown("before\r\n$ ", rows=rows, columns=columns) for _ in range(2))
    quick.feed(text + "\x1b[31mend\x1b[m")
    for start in range(0, len(text), 500):
        slow.feed(text[start : start + 500])
    slow.feed("\x1b[31mend\x1b[m")
    assert everything(quick) == everything(slow)
    assert (quick.cursor, quick.left) == (slow.cursor, slow.left)
    assert quick.history <= MAX_HISTORY


def test_it_takes_no_longer_than_it_may() -> None:
    emulator = Emulator(24, 80)
    calls = 0
    done = emulator.feed("a\x1b[9999b" * 200, for_s=0)
    while not done and calls < 1_000:
        done = emulator.feed("", for_s=0)
        calls += 1
    assert done
    assert calls > 5, "a moment at a time"


def test_lines_leave_at_the_top_but_not_on_the_alternate_screen() -> None:
    emulator = shown("".join(f"{number}\r\n" for number in range(9)))
    assert (emulator.history, emulator.left) == (5, 5)
    assert cells(emulator.line(-5)) == [("0", PLAIN)]
    emulator.feed("\x1b[?1049h" + "x\r\n" * 9)
    assert emulator.whole_screen
    assert emulator.left == 5
    emulator.feed("\x1b[?1049l")
    assert everything(emulator) == [*map(str, range(9)), ""]


def test_rows_that_changed_are_told_once() -> None:
    emulator = shown("one\r\ntwo")
    assert [*emulator.changed()] == [0, 1, 2, 3, 4]
    emulator.feed("\x1b[4;1Hx")
    assert [*emulator.changed()] == [1, 3]
    assert [*emulator.changed()] == [3], "where the cursor is"
    emulator.feed("\x1b[?1049h")
    assert [*emulator.changed()] == [0, 1, 2, 3, 4]


KEYS = [
    ("a", "a", "a"), ("A", "A", "A"), ("é", "é", "é"), ("space", " ", " "), ("enter", "\r", "\r"),
    ("tab", "\t", "\t"), ("shift+tab", None, "\x1b[Z"), ("escape", "\x1b", "\x1b"), ("backspace", "\x7f", "\x7f"),
    ("up", None, "\x1b[A"), ("ctrl+right", None, "\x1b[1;5C"), ("shift+f5", None, "\x1b[15;2~"),
    ("f1", None, "\x1bOP"), ("pagedown", None, "\x1b[6~"), ("delete", None, "\x1b[3~"), ("home", None, "\x1b[H"),
    ("ctrl+c", "\x03", "\x03"), ("ctrl+d", None, "\x04"), ("ctrl+z", "\x1a", "\x1a"), ("ctrl+at", "\x00", "\x00"),
    ("ctrl+backslash", "\x1c", "\x1c"), ("ctrl+underscore", "\x1f", "\x1f"), ("alt+x", None, "\x1bx"),
    ("alt+shift+x", None, "\x1bX"), ("full_stop", ".", "."), ("question_mark", "?", "?"), ("漢", "漢", "漢"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "character", "sent"), KEYS)
def test_keys_are_sent_as_terminals_send_them(key: str, character: str | None, sent: str) -> None:
    there = pressed(key, character)
    assert there is not None
    assert shown().key(*there) == sent


def test_keys_pastes_and_the_mouse_are_sent_as_the_program_wants_them() -> None:
    emulator = shown()
    assert emulator.paste("a\nb\x1b[201~c") == "a\rb[201~c", "nothing in it looks like a key"
    assert emulator.mouse(2, 3, 0, "press", ()) == ""
    emulator.feed("\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h")
    assert emulator.key("up", None, ()) == "\x1bOA"
    assert emulator.paste("a\nb") == "\x1b[200~a\rb\x1b[201~"
    assert emulator.mouse(2, 3, 0, "press", ("ctrl",)) == "\x1b[<16;4;3M"
    assert emulator.mouse(2, 5, 0, "move", ()) == "\x1b[<32;6;3M"
    assert emulator.mouse(2, 5, 64, "press", ()) == "\x1b[<64;6;3M"
    assert emulator.focus(True) == "\x1b[I"
    assert emulator.answers() == ""
