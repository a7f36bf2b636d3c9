"""A command called as the entry point calls it, and what it printed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sandbox.cli import main


class Said(NamedTuple):
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Caller:
    """Calls commands in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: str) -> Said:
        self._capture.readouterr()
        try:
            status = main(words)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        return Said(status, *self._capture.readouterr())
