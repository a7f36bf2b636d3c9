"""What all tests share: a quiet home, and the check that nothing is left behind."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.i18n import use
from sandbox.util.signals import ENDING
from tests.support.leaks import LeftCheck

#: Not on every system (``tests/support/elsewhere_tests.py``).
_QUIT = tuple(signal.Signals[name] for name in ("SIGQUIT",) if hasattr(signal, name))


def pytest_configure() -> None:
    """What a shell starts in the background ignores the terminal's signals; what is tested here is sent them."""
    for number in (*ENDING, *_QUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, or the terminal, of the person who runs it."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")  # pictures have the colours of the terminal
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("NO_COLOR", "TEXTUAL", "TEXTUAL_THEME", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """An app that ends leaves signals ignored until its terminal is back, which here is nobody's."""
    before = {number: signal.getsignal(number) for number in (*ENDING, *_QUIT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def chinese() -> Iterator[None]:
    """All that is said is said in Chinese."""
    use("zh")
    yield
    use("en")


@pytest.fixture
def leftcheck() -> Iterator[LeftCheck]:
    """Every test with real processes uses it: within two seconds after the test nothing of it may be left."""
    check = LeftCheck(f"ossandbox-test-{uuid.uuid4().hex}")
    os.environ[check.VARIABLE] = check.marker
    try:
        yield check
        check.assert_nothing_left()
    finally:
        os.environ.pop(check.VARIABLE, None)
        check.end_leftovers()
