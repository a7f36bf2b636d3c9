"""Lines break where a reader of their script breaks them, whoever draws them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rich._wrap
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from sandbox.render.cells import wrap
from sandbox.tui.compat import break_lines_in_every_script

SAID = "它醒来，得到 CPU，fork 出一个子进程；这个子进程只管这一个客户（它的）。"
LINES = ["它醒来，得到 CPU，", "fork 出一个子进程；", "这个子进程只管这一个", "客户（它的）。"]
_as_it_comes = rich._wrap.words


@pytest.fixture(autouse=True)
def _taught() -> Iterator[None]:
    break_lines_in_every_script()
    yield
    rich._wrap.words = _as_it_comes


def test_chinese_breaks_between_any_two_characters_but_before_a_stop() -> None:
    assert [str(line).rstrip() for line in Content(SAID).wrap(20)] == LINES
    assert [line.rstrip() for line in wrap(SAID, 20)] == LINES


@given(st.text("ab (。，中“”…:-\n", max_size=20))
def test_nothing_is_lost_between_the_pieces(text: str) -> None:
    pieces = [*rich._wrap.words(text)]
    assert "".join(piece for _, _, piece in pieces) == (text if text.strip() else "")
    assert all(text[start:end] == piece for start, end, piece in pieces)


@given(st.text("ab (“”…:-\n", max_size=20))
def test_what_has_blanks_breaks_at_them_alone(text: str) -> None:
    assert [*rich._wrap.words(text)] == [*_as_it_comes(text)]


@given(st.text("ab 。，中", max_size=30), st.integers(2, 12))
def test_no_line_is_too_wide(text: str, width: int) -> None:
    assert all(cell_len(str(line).rstrip()) <= width for line in Content(text).wrap(width))
