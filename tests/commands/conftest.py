"""What tests of commands share."""

from __future__ import annotations

import pytest

from tests.commands.stage import Caller


@pytest.fixture
def ossandbox(capsys: pytest.CaptureFixture[str]) -> Caller:
    """The command line, in this process."""
    return Caller(capsys)
