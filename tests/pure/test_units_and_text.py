"""Durations and foreign text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.util.text import Cleaner, clean, clean_console, clean_line
from sandbox.util.units import MS, US, S, parse_duration, show_duration, write_duration


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("20ms", 20 * MS),
        ("1.5s", 1500 * MS),
        ("250us", 250 * US),
        ("3 s", 3 * S),
        ("0ms", 0),
        ("2min", 120 * S),
        ("7µs", 7_000),
    ],
)
def test_durations_read_as_people_write_them(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize("text", ["20", "ms", "-1ms", "1,5s", "nan s", "inf", "1e3ms", "", "1.s", "ms20", "1h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@given(st.integers(0, 10**14))
def test_a_duration_that_is_written_reads_back(ns: int) -> None:
    assert parse_duration(write_duration(ns)) == ns


def test_durations_show_short() -> None:
    assert [show_duration(ns) for ns in (0, 999, 20 * MS, 1_500 * MS, 1_234_567)] == [
        "0 s", "999 ns", "20 ms", "1.5 s", "1.235 ms",
    ]  # fmt: skip


CORPUS = [
    ("plain\n\ttext", "plain\n\ttext"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b]0;title\x07after", "after"),
    ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1bP1;2|payload\x1b\\x", "x"),
    ("\x1b[?1049l\x1b[2J\x1b[Hgone", "gone"),
    ("\x9b31mc1\x85", "31mc1"),
    ("bell\x07back\x08nul\0del\x7f", "bellbacknuldel"),
    ("line\r\nnext\rover", "line\nnext\nover"),
    ("a\u202eb\u2066c\u200fd", "abcd"),
    ("\U0001f468\u200d\U0001f469 \u2764\ufe0f a\xad\u200bb\U000e0041", "\U0001f468\U0001f469 \u2764 ab"),
    ("中文 ok", "中文 ok"),
    ("[/] [@click=app.quit]no markup[/]", "[/] [@click=app.quit]no markup[/]"),
]


@pytest.mark.parametrize(("foreign", "harmless"), CORPUS)
def test_nothing_that_steers_a_terminal_is_left(foreign: str, harmless: str) -> None:
    assert clean(foreign) == harmless


STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@given(st.text())
def test_no_text_steers_a_terminal(foreign: str) -> None:
    assert not STEERING.search(clean(foreign))
    assert "\n" not in clean_line(foreign)


CONSOLE = [
    ("plain\n\ttext", "plain\n\ttext"),
    ("\x1b[31mred\x1b[m\r\n", "\x1b[31mred\x1b[m\r\n"),
    ("\x1b[38;5;208mx\x1b[38:2::1:2:3my", "\x1b[38;5;208mx\x1b[38:2::1:2:3my"),
    ("10 %\r\x1b[K20 %\b\b", "10 %\r\x1b[K20 %\b\b"),
    ("\x1b[2J\x1b[H\x1b[1A\x1b[3;4r\x1b[6n\x1b[?25l\x1b[?1049lgone", "gone"),
    ("\x1b[>4;1m\x1b[?4m\x1b[1$m\x1b[ m\x1b[3Ksly", "sly"),
    ("\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x1b\\after", "after"),
    ("\x1b\x1b[2J[31mmade", "[31mmade"),
    ("\x1b\x07[31mmade", "[31mmade"),
    ("\x9b31mc1\x85\x1bc\x1b(0q", "31mc1q"),
    ("\x1b[" + "1;" * 200 + "mlong", "long"),
    ("bell\x07nul\0del\x7f\x0e\x0f\x0b\x0c", "bellnuldel"),
    ("a\u202eb\u2066c\u200fd", "abcd"),
]
MARK = re.compile(r"\x1b\[([0-9;:]{0,48}m|[0-2]?K)|[\r\b]")


@pytest.mark.parametrize(("foreign", "harmless"), CONSOLE)
def test_a_console_keeps_its_colours_and_its_corrections(foreign: str, harmless: str) -> None:
    assert clean_console(foreign) == harmless


@given(st.text(alphabet="a\x1b[3;1mK]0\x07\r\n\b\\P?"), st.lists(st.integers(1, 4), max_size=60))
def test_pieces_come_out_as_the_whole(foreign: str, cuts: list[int]) -> None:
    cleaner, pieces, rest = Cleaner(), [], foreign
    for cut in cuts:
        pieces.append(cleaner.feed(rest[:cut]))
        rest = rest[cut:]
    pieces.append(cleaner.feed(rest, last=True))
    assert "".join(pieces) == clean_console(foreign)
    assert not any(STEERING.search(MARK.sub("", piece)) for piece in pieces)
