"""What a terminal sends: of anything at all, only what somebody has typed."""

from __future__ import annotations

import random
import time

import pytest
from textual import constants
from textual.events import Key, MouseDown, Paste

from sandbox.tui.terminal import Keys


def typed(*chunks: bytes) -> list[str]:
    """The names of keys, and the texts of pastes."""
    keys = Keys()
    return [
        message.key if isinstance(message, Key) else message.text
        for chunk in chunks
        for message in keys.typed(chunk)
        if isinstance(message, Key | Paste)
    ]


@pytest.mark.parametrize(
    "sent",
    [
        *(b"\xff\xfe", b"\xe9", b"\xc3\x28"[:1], b"\x1b[M\xff\xff\xff", b"\x1b[M !!"),
        *(b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07", b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\", b"\x1bP>|xterm(370)\x1b\\"),
        *(b"\x1b[99999999999999999999A", b"\x1b[1114112u", b"\x1b[48;999999;999999;1;1t"),
    ],
)
def test_nobody_has_typed_that(sent: bytes) -> None:
    assert typed(sent, b"", b"a") == ["a"]
    assert typed(sent[:5], sent[5:], b"", b"a") in (["a"], ["ignore", "a"])


def test_what_is_typed_comes_through() -> None:
    assert typed("aé汉\x1b[A\r".encode()) == ["a", "é", "汉", "up", "enter"]
    assert typed("汉".encode()[:1], "汉".encode()[1:]) == ["汉"]
    assert typed(b"\x1b[200~two\nlines\x1b[201~") == ["two\nlines"]
    keys = Keys()
    assert not [*keys.typed(b"\x1b]")]
    time.sleep(2 * constants.ESCAPE_DELAY)
    assert [*keys.typed(b"")], "a key, and no answer"
    assert any(isinstance(message, MouseDown) for message in Keys().typed(b"\x1b[<0;5;5M"))


def test_anything_at_all_is_read() -> None:
    dice = random.Random(7)
    starts = (b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b[<", b"\x1b[200~", b"\x1b[48;", b"\x1b")
    keys = Keys()
    for _ in range(2_000):
        sent = dice.choice(starts) + bytes(dice.choice(b"0123456789;:<MmuAtRc~\x1b\x07\xff") for _ in range(20))
        list(keys.typed(sent))
    list(keys.typed(b"\x1b[201~\x07\x1b\\"))
    time.sleep(2 * constants.ESCAPE_DELAY)
    list(keys.typed(b""))
    assert [message.key for message in keys.typed(b"a") if isinstance(message, Key)] == ["a"]
