"""A key that can do nothing says why."""

from __future__ import annotations

import pytest

from sandbox.tui.config import Config
from tests.support.app import MakeDriver
from tests.support.kernel_script import KernelScript, long_run
from tests.tui.test_questions import asked

NO_RESULT = "There is no result yet: ⏎ compares"
NO_LIST, NO_TIMELINE = "There is no list of processes here", "There is no timeline here"
NO_CONNECTION, NOBODY = "There is no connection yet", "Nobody waits for another process."


@pytest.mark.parametrize(
    ("panel", "answers"),
    [
        ("1", {"Z": "The whole run is in sight", "shift+left": "The run begins here", "shift+right": "This is the present"}),
        ("2", {"pagedown": NO_CONNECTION, "home": NO_CONNECTION, "X": "This panel has no clients yet"}),
        ("5", {"g": NO_RESULT, "W": NO_RESULT, "s": NO_LIST, "S": NO_LIST, "d": NO_LIST, "Z": NO_TIMELINE, "m": NO_TIMELINE}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("asks", [False, True])
async def test_a_key_that_can_do_nothing_says_why(
    make_driver: MakeDriver, panel: str, answers: dict[str, str], asks: bool
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = long_run()
        await driver.feed(pilot, script)
        if asks:
            await pilot.press("a")
            await driver.feed(pilot, asked(script))
        await driver.open(pilot, panel, script.later("1ms").write("pi", "x"))
        for key, said in answers.items():
            driver.app.clear_notifications()
            await pilot.press(key)
            assert said in driver.toasts(), key


@pytest.mark.parametrize(
    ("panel", "key", "said"),
    [("1", "down", "There is no process"), ("6", "home", "There is no process"), ("9", "down", NOBODY), ("2", "down", NO_CONNECTION)],
)  # fmt: skip
async def test_where_nobody_is_nobody_can_be_chosen(make_driver: MakeDriver, panel: str, key: str, said: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, panel, KernelScript())
        await pilot.press(key)
        assert driver.toasts() == [said]


@pytest.mark.parametrize("locked", [False, True])
async def test_a_guest_is_offered_no_key_that_is_refused(make_driver: MakeDriver, locked: bool) -> None:
    driver = make_driver(config=Config(locked=locked))
    async with driver.app.run_test(size=(200, 40)) as pilot:
        for panel, word in (("1", " n new "), ("3", " ⏎ type "), ("5", " W save "), ("y", " W save ")):
            await driver.open(pilot, panel, long_run()) if panel == "1" else await pilot.press(panel)
            await driver.settle(pilot)
            assert (word in driver.panel("keys")[0] + " ") != locked, panel
