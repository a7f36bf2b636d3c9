"""What tests of commands share."""

from __future__ import annotations

import pytest

from tests.support.commands import Caller


@pytest.fixture
def ossandbox(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Caller:
    """The command line, in this process, which no alarm shall end."""
    monkeypatch.setattr("sandbox.util.timeout.HANG_S", None)
    return Caller(capsys)
