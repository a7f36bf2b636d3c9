"""A process's console: what is read from it, as text and as the terminal was sent it, and what is typed."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from tests.support.systems import unix

CLEARED = "\x1b[2Jé"


@unix
@pytest.mark.parametrize(
    ("writes", "pieces"),
    [
        ([b"one\ntwo\n"], [("one\ntwo\n", None)]),
        ([b"caf\xc3", b"\xa9\n"], [("caf", None), ("é\n", None)]),
        ([f"{CLEARED}\n".encode()], [("é\n", f"{CLEARED}\r\n")]),
        ([b"1 %\r2 %"], [("1 %\r2 %", None)]),
    ],
)
def test_text_moves_no_cursor(writes: list[bytes], pieces: list[tuple[str, str | None]]) -> None:
    from sandbox.machines.console import Console

    with closing(Console()) as console:
        found = []
        for data in writes:
            os.write(console.slave, data)
            found += console.read_rest()
        assert found == pieces
        assert console.written == sum(len(data) + data.count(b"\n") for data in writes)
        console.close_slave()
        assert console.read() is None
        assert console.vacant


@unix
def test_a_line_is_edited_in_characters() -> None:
    from sandbox.machines.console import Console

    with closing(Console()) as console:
        os.set_blocking(console.slave, False)
        assert console.type("é\x7fa\r")
        assert os.read(console.slave, 100) == b"a\n"
