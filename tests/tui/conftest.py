"""What only tests of the screen need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sandbox.model.spec import Scenario
from sandbox.tui.config import Config
from tests.support.app import Play, no_blinking, play


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Play]]:
    """Makes apps over fake links."""
    no_blinking(monkeypatch)
    with ExitStack() as stack:

        def make(scenario: Scenario | None = None, config: Config | None = None) -> Play:
            return stack.enter_context(play(scenario, config))

        yield make
