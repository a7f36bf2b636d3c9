"""What a program wrote is shown as a terminal shows it, and takes no more memory than it may."""

from __future__ import annotations

import pyte
import pyte.modes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.util.text import Cleaner, clean_console
from sandbox.views.console import MAX_LINES, PLAIN, ConsoleText, Look


def written(*pieces: str) -> ConsoleText:
    output = ConsoleText()
    for piece in pieces:
        output.write(piece)
    return output


def only_line(text: str) -> tuple[tuple[str, Look], ...]:
    output = written(text)
    (line,) = output.lines(0, output.end)
    return line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo\r\n", "one\ntwo"),
        (" 10 %\r 20 %\r100 %", "100 %"),
        ("downloading\r\x1b[Kdone", "done"),
        ("helo\b\blo", "helo"),
        ("abc\b\b\b\b\bx", "xbc"),
        ("a\tb\n12345678\tc", "a       b\n12345678        c"),
        ("a\tb\rx", "x       b"),
        ("\n\nx", "\n\nx"),
        ("all\x1b[2Kx", "   x"),
    ],
)
def test_a_line_is_corrected_by_its_writer(text: str, shown: str) -> None:
    assert written(text).text == shown
    cleaner = Cleaner()
    assert written(*map(cleaner.feed, text)).text == shown, "and so it is piece by piece"


@pytest.mark.parametrize(
    ("marks", "look"),
    [
        ("", PLAIN),
        ("31", Look(colour=1)),
        ("1;4;97", Look(colour=15, bold=True, underline=True)),
        ("44;7", Look(ground=4, reverse=True)),
        ("105", Look(ground=13)),
        ("31;1;0", PLAIN),
        ("31;;1", Look(bold=True)),
        ("31;39;49;1;22", PLAIN),
        ("38;5;9", Look(colour=9)),
        ("38;5;208;1", Look(colour="#ff8700", bold=True)),
        ("48;5;244", Look(ground="#808080")),
        ("38;2;1;2;300", Look(colour="#0102ff")),
        ("38:2::1:2:3", Look(colour="#010203")),
        ("38:5:196;3", Look(colour="#ff0000", italic=True)),
        ("4:3", Look(underline=True)),
        ("4:0", PLAIN),
        ("38", PLAIN),
        ("38;5", Look(colour=0)),
        ("38;2;7", Look(colour="#070000")),
        ("5;8;99999999999999;73;108", PLAIN),
    ],
)
def test_colours(marks: str, look: Look) -> None:
    assert only_line(f"\x1b[{marks}mx") == (("x", look),)


def test_a_look_lasts_over_lines_and_pieces() -> None:
    output = written("a\x1b[31mb\nc", "d\n", "\x1b[me")
    red = Look(colour=1)
    assert [*output.lines(0, output.end)] == [(("a", PLAIN), ("b", red)), (("cd", red),), (("e", PLAIN),)]


def test_memory_is_bounded_in_lines_and_in_characters() -> None:
    output = written("".join(f"{number}\n" for number in range(5_000)))
    assert (output.first, output.end) == (5_000 - MAX_LINES, 5_000)
    assert output.text.endswith("4998\n4999")
    output.write("\x1b[31m" + "y" * 3_000_000)
    assert len(output.text) <= 102_000
    assert {look for _, look in next(output.lines(output.end - 1, output.end))} == {Look(colour=1)}
    output.write("\n" * 5_000 + "\x1b[m" + "\n" * 5_000 + "z")
    assert next(output.lines(output.end - 1, output.end)) == (("z", PLAIN),), "what is left out still ends the red"


PIECES = st.sampled_from(["a", "bc ", "déf", "\r", "\b", "\t", "\n", "\x1b[K", "\x1b[m", "\x1b[31m", "\x1b[1;92m", "\x1b[7m"])  # fmt: skip
NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")


@given(st.lists(PIECES, max_size=19))
def test_it_is_what_a_terminal_shows(pieces: list[str]) -> None:
    screen = pyte.Screen(150, 20)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed("".join(pieces))
    output = written(*pieces)
    lines = [*output.lines(0, output.end)]
    assert [line.rstrip() for line in screen.display] == [
        "".join(text for text, _ in line).rstrip() for line in [*lines, *[()] * (20 - len(lines))]
    ]
    for row, line in enumerate(lines):
        cells = [(character, look) for text, look in line for character in text]
        for column, (character, look) in enumerate(cells):
            there = screen.buffer[row][column]
            if character != " ":
                assert (there.bold, there.reverse) == (look.bold, look.reverse)
                assert there.fg == ("default" if look.colour is None else colour_name(look.colour))


def colour_name(colour: int | str) -> str:
    assert isinstance(colour, int)
    return NAMES[colour] if colour < 8 else f"bright{NAMES[colour - 8]}"


@given(st.lists(st.text(alphabet="ab\x1b[3;1mK\r\b\t\n\x07", max_size=12), max_size=20))
def test_nothing_steers_what_shows_it(pieces: list[str]) -> None:
    output = written(*(clean_console(piece) for piece in pieces))
    assert all(character == "\n" or character.isprintable() for character in output.text)
