"""What is asked of a terminal before the app opens in it."""

from __future__ import annotations

import os
import sys

import pytest

from sandbox.cli.opening import has_terminal
from tests.support.systems import unix


@unix
@pytest.mark.parametrize(("size", "left"), [((30, 100), {}), ((0, 0), {"COLUMNS": "x", "LINES": "9" * 400})])
def test_the_environments_size_counts_only_if_the_terminal_reports_none(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], left: dict[str, str]
) -> None:
    import termios

    monkeypatch.setenv("COLUMNS", "x")
    monkeypatch.setenv("LINES", "9" * 400)
    monkeypatch.setenv("TERM", "xterm")
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, size)
    with open(master, "rb", buffering=0), open(slave) as stdin, open(os.dup(slave), "w") as stderr:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stderr", stderr)
        assert has_terminal("")
        assert {name: text for name, text in os.environ.items() if name in ("COLUMNS", "LINES")} == left
