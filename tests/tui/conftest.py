"""What only tests of the screen need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox.model.spec import Scenario
from sandbox.tui.config import Config
from tests.support.app import AppDriver, MakeDriver, app_driver, no_blinking


@pytest.fixture
def make_driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDriver]:
    """Makes apps over fake links."""
    no_blinking(monkeypatch)
    with ExitStack() as stack:

        def make(scenario: Scenario | None = None, config: Config | None = None) -> AppDriver:
            return stack.enter_context(app_driver(scenario, config))

        yield make
