"""A command called as the entry point calls it, and what it printed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sandbox.cli import main


class CommandResult(NamedTuple):
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class CommandRunner:
    """Calls commands in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: str) -> CommandResult:
        self._capture.readouterr()
        try:
            status = main(words)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        return CommandResult(status, *self._capture.readouterr())
