"""What tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import CommandRunner


@pytest.fixture
def ossandbox(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    """The command line, in this process, which no alarm shall end."""
    monkeypatch.setattr("sandbox.util.timeout.HANG_S", None)
    return CommandRunner(capsys)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is one that only this test uses."""
    monkeypatch.chdir(tmp_path)
