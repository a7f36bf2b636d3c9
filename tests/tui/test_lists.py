"""What lists show, and the log: filter, order, the ended left out, and lines that are points in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.tui.panels.board import shared_out
from tests.support.app import MakeDriver
from tests.support.kernel_script import KernelScript, long_run


def some() -> KernelScript:
    """Twelve processes; the first has used most, and the second has ended."""
    script = KernelScript(quantum="10ms")
    for number in range(1, 13):
        script.admit(f"{'odd' if number % 2 else 'even'}-{number}", "400ms")
    script.run("odd-1").later("10ms").expire("odd-1")
    script.run("even-2").later("2ms").exit("even-2", 0)
    return script.run("odd-3").later("4ms")


async def test_filter_sort_and_hide(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, some())
        await pilot.press("slash", *"EVEN")
        await driver.settle(pilot)
        assert "READY 5/10" in driver.text
        assert "6 of 12" in driver.text
        assert not any("odd" in line for line in driver.panel("ready"))
        await pilot.press("enter", "d")  # the keys are the board's again
        await driver.settle(pilot)
        assert "without those that have ended" in driver.text
        assert not any("even-2 " in line for line in driver.panel("timeline"))
        await pilot.press("slash", "escape", "s", "s", "s")
        await driver.settle(pilot)
        assert "by CPU used ↓" in driver.text
        assert "R odd-1 " in driver.panel("ready")[0]
        await pilot.press("S")
        await driver.settle(pilot)
        assert "R odd-1 " not in driver.panel("ready")[0]
        await pilot.press("ctrl+end")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1


async def test_clicks_on_headings_sort(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, some())
        await pilot.click("#ready", offset=(4, 0))
        await driver.settle(pilot)
        assert "even-10" in driver.panel("ready")[0]
        await pilot.click("#ready", offset=(4, 0))
        await driver.settle(pilot)
        assert "odd-9" in driver.panel("ready")[0]
        await pilot.click("#ready", offset=(4, 0))
        await driver.settle(pilot)
        assert driver.app.session.view.listing.plain


async def test_memory_by_pages(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, some())
        await pilot.press("6")
        await driver.settle(pilot)
        await pilot.press("end")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 12
        await pilot.press("home")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1


async def test_a_line_of_the_log_is_a_time(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, long_run())
        view = driver.app.session.view
        await pilot.click("#why")
        await driver.settle(pilot)
        assert driver.app.board_screen.front.id == "log"
        assert len(view.chronicle.lines) == view.chronicle.number > 20
        await pilot.press("up")
        await driver.settle(pilot)
        assert view.looks_back
        assert view.moment.index == view.chronicle.lines[-2] + 1
        await pilot.press("home")
        await driver.settle(pilot)
        assert view.moment.index == 1
        await pilot.press("end")
        await driver.settle(pilot)
        assert not view.looks_back


async def test_the_log_is_searched_copied_and_saved(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, long_run())
        await pilot.press("y", "slash", *"disk gets", "enter")
        await driver.settle(pilot)
        lines = driver.app.session.view.chronicle.lines
        assert 0 < len(lines) < driver.app.session.view.chronicle.number
        await pilot.press("c")
        assert "disk gets CPU" in driver.app.clipboard
        await pilot.press("W", "enter")
        await driver.settle(pilot)
        saved = (tmp_path / "test.log").read_text(encoding="utf-8").splitlines()
        assert len(saved) == len(lines)
        assert all("disk gets CPU" in line for line in saved)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_reasons_take_what_others_can_spare(width: int) -> None:
    usual, wide = shared_out(width, 0), shared_out(width, width)
    assert sum(usual) == sum(wide) == width
    assert wide[2] > usual[2] + 5
    assert min(wide) >= 13


async def test_the_help_is_searched(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(100, 28)) as pilot:
        await driver.feed(pilot, long_run())
        await pilot.press("question_mark", "slash", *"zoom")
        await pilot.pause()
        assert "show a longer period" in driver.text
        assert "Pause or continue" not in driver.text
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert driver.app.screen is driver.app.board_screen


async def test_typing_narrows_what_can_be_opened(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, long_run())
        await pilot.press("o", *"serv")
        await pilot.pause()
        assert "iterative-server" in driver.text
        assert "quadrants" not in driver.text
        await pilot.press("enter")  # the one that begins so
        await driver.settle(pilot)
        assert driver.app.session.scenario.name == "server"
