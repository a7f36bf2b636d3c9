"""Text in so many cells, whatever the text, and windows over long lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from sandbox.render.cells import fit, fit_name, flush_right
from sandbox.tui.format import bar, brief, part
from sandbox.tui.widgets.lines import Window, line, window
from sandbox.util.units import MS, S

PLAIN = Style()
words = st.text(alphabet="ab-09編譯…é", max_size=12)


@given(words, st.integers(0, 14))
def test_text_is_as_wide_as_it_is_told(text: str, width: int) -> None:
    for fitted in (fit(text, width), fit_name(text, width), flush_right(text, width)):
        assert cell_len(fitted) == width
    assert line([(text, PLAIN), (text, PLAIN)], width).cell_length == width


@pytest.mark.parametrize(
    ("name", "width", "fitted"),
    [
        ("process-257", 11, "process-257"),
        ("process-257", 9, "proc…-257"),
        ("process-257", 6, "p…-257"),
        ("process-257", 5, "…-257"),
        ("process-257", 4, "-257"),
        ("process-257", 3, "pr…"),  # no room for it
        ("pi", 5, "pi   "),
        ("w-1", 5, "w-1  "),
        ("a-longer-name", 8, "a-longe…"),
        ("編譯器很長-12", 8, "編譯…-12"),
    ],
)
def test_a_copy_keeps_its_number(name: str, width: int, fitted: str) -> None:
    assert fit_name(name, width) == fitted


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ((5, 10), Window(0, 5, 0, 0)),
        ((20, 10), Window(0, 9, 0, 11)),  # a line says how many are below
        ((20, 10, 5), Window(6, 14, 6, 6)),
        ((20, 10, 99), Window(11, 20, 11, 0)),
        ((20, 10, 0, 0), Window(0, 9, 0, 11)),
        ((20, 10, 0, 9), Window(2, 10, 2, 10)),
        ((20, 10, 0, 19), Window(11, 20, 11, 0)),
        ((20, 10, 10, 3), Window(3, 11, 3, 9)),
        ((20, 2, 7), Window(7, 9, 0, 0)),  # no room to say anything
        ((0, 10), Window(0, 0, 0, 0)),
    ],
)
def test_windows(arguments: tuple[int, ...], seen: Window) -> None:
    assert window(*arguments) == seen


@given(st.integers(0, 50), st.integers(0, 20), st.integers(-5, 60), st.integers(0, 49))
def test_a_window_shows_what_it_is_told_to_keep_and_loses_nobody(count: int, height: int, top: int, keep: int) -> None:
    seen = window(count, height, top, keep if keep < count else None)
    used = seen.last - seen.first + (seen.above > 0) + (seen.below > 0)
    assert used <= height or height < 3
    if count > height >= 3:
        assert used == height
        assert seen.above + (seen.last - seen.first) + seen.below == count
        if keep < count:
            assert seen.first <= keep < seen.last


@pytest.mark.parametrize(
    ("ns", "said"), [(250 * MS, "250 ms"), (3600 * MS, "3.6 s"), (120 * S, "120 s"), (720 * S, "12 min"), (0, "0 ms")]
)
def test_brief(ns: int, said: str) -> None:
    assert brief(ns) == said


@pytest.mark.parametrize(
    ("used", "whole", "said"),
    [
        (32 * MS, 50 * MS, "32/50 ms"),
        (2 * MS, 50 * MS, " 2/50 ms"),
        (2 * S, 20 * S, " 2.0/20 s"),
        (300_000, 2 * MS, "0.30/2 ms"),
        (300_000, 1_500_000, "0.30/1.5 ms"),
    ],
)
def test_parts_are_of_one_width_while_they_grow(used: int, whole: int, said: str) -> None:
    assert part(used, whole) == said
    assert len(part(0, whole)) == len(part(whole, whole)) == len(said)


def test_bars() -> None:
    assert bar(1, 2, 8) == ("████", "░░░░")
    assert bar(3, 2, 4) == ("████", "")
    assert bar(0, 0, 4) == ("", "░░░░")
