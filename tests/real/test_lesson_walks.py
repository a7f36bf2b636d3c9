"""A reader who does what the foot of a lesson says, and nothing else, comes to its end: hurried or slow."""

from __future__ import annotations

import time

import pytest

from tests.support.leaks import LeftCheck
from tests.support.terminal import terminal

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.thorough]

#: The key to press, by what the foot of a lesson says.
_OFFERS = {"‖ space begins": " ", "‖ space goes on": " ", "? Who runs next?": "\r"}
_END, _DEAD_END = "next lesson", "does not come any more"
_MAX_S = 50


def walk(name: str, pause_s: float, most_s: float = _MAX_S) -> list[str]:
    """Read a lesson to its end; what was offered on the way."""
    offered: list[str] = []
    with terminal("lesson", name, "--lang", "en") as app:
        give_up = time.monotonic() + most_s
        while not app.shows(_END):
            assert not app.shows(_DEAD_END), app.display
            assert time.monotonic() < give_up, app.display
            offer = next((text for text in _OFFERS if app.shows(text)), None)
            if offer is not None:
                time.sleep(pause_s)
                if app.shows(offer):
                    app.press(_OFFERS[offer])
                    offered.append(offer)
                    time.sleep(0.15)
            time.sleep(0.05)
        app.press("q")
        assert app.wait() == 0
    return offered


@pytest.mark.parametrize("pause_s", [0.0, 2.0], ids=["hurried", "slow"])
@pytest.mark.parametrize("name", ["welcome", "mail"])
def test_a_lesson_is_read_to_its_end(name: str, pause_s: float, leftcheck: LeftCheck) -> None:
    offered = walk(name, pause_s)
    assert offered[0] == "‖ space begins"
    assert "‖ space goes on" in offered
