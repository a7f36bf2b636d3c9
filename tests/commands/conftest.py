"""What tests of commands share."""

from __future__ import annotations

import pytest

from tests.support.commands import CommandRunner


@pytest.fixture
def ossandbox(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandRunner:
    """The command line, in this process, which no alarm shall end."""
    monkeypatch.setattr("sandbox.cli.HANG_S", None)
    return CommandRunner(capsys)
