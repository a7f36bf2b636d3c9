"""Panels: one key each, round with tab, and what is not in front is not asked for anything."""

from __future__ import annotations

import pytest

from sandbox.model.commands import Look
from sandbox.tui.config import Config
from sandbox.tui.keys import ACTIONS, PANELS, Action, key_of
from sandbox.tui.panels import make
from sandbox.tui.screens.help import Help
from sandbox.tui.widgets.tabs import Tabs
from tests.support.app import AppDriver, MakeDriver, until
from tests.support.kernel_script import every_state

NAMES = [panel.id for panel in PANELS]


def front(driver: AppDriver) -> str | None:
    """The panel in front, which is the only one that can be seen."""
    shown = [panel.id for panel in driver.app.board_screen.query("Panel") if panel.display]
    assert shown == [driver.app.board_screen.front.id]
    return shown[0]


async def test_each_has_a_key_and_a_tab(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        for other in PANELS:
            await pilot.press(other.keys)
            await driver.settle(pilot)
            assert front(driver) == other.id
            assert f"▸{other.keys} {other.name}" in driver.panel("tabs")[0]
            assert driver.panel("tabs")[0].count("▸") == 1


async def test_all_are_drawn_however_small_the_terminal_is(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(20, 5)) as pilot:
        await driver.feed(pilot, every_state())
        for other in PANELS:
            await pilot.press(other.keys)
            driver.app.frame()
            assert driver.app._exception is None, other.id


async def test_a_dialog_is_laid_out_for_its_terminal_from_the_first(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, every_state())
        dialog = Help()
        widths: set[int] = set()
        noted = dialog.screen_layout_refresh_signal
        noted.subscribe(driver.app, lambda _: widths.update(box.region.width for box in dialog.query(".box")))
        await driver.app.push_screen(dialog)
        await pilot.pause()
        assert widths == {80}


async def test_tab_goes_round_and_shift_tab_goes_back(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        seen = []
        for key in ["tab"] * len(NAMES) + ["shift+tab"] * len(NAMES):
            await pilot.press(key)
            seen.append(front(driver))
        assert seen == [*NAMES[1:], NAMES[0], *reversed(NAMES)]


def tabs_of(front: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the line of tabs says, without an app."""
    keys = {action.id: key_of(action.id, {}) for action in ACTIONS}
    monkeypatch.setattr(Tabs, "key", lambda _, action: keys[action])
    tabs = Tabs("tabs")
    tabs.update_from(front, lesson=True)
    return tabs.draw(width, 1)[0].text.rstrip()


@pytest.mark.parametrize("panel", PANELS, ids=NAMES)
def test_from_80_columns_on_tabs_have_names(panel: Action, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tabs_of(panel.id, 80, monkeypatch)
    assert "…" not in said
    assert f"▸{panel.keys}{panel.name}" in said, "the one in front is whole"
    assert all(len(word) > 3 for word in said.replace("▸", " ").split()), "and each of the others has a name"
    said = tabs_of(panel.id, 48, monkeypatch)
    assert "…" not in said
    assert f"▸{panel.keys}{panel.name}" in said
    assert [word[0] for word in said.replace("▸", " ").split()] == [*(other.keys for other in PANELS), "l"]


@pytest.mark.thorough
async def test_a_tab_can_be_clicked(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        for panel in reversed(PANELS):
            await pilot.click("#tabs", offset=(driver.panel("tabs")[0].index(panel.name), 0))
            await driver.settle(pilot)
            assert front(driver) == panel.id


async def test_keys_that_the_user_has_moved_are_named(make_driver: MakeDriver) -> None:
    driver = make_driver(config=Config(keymap={"queues": "x"}))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        assert "x Queues" in driver.panel("tabs")[0]
        await pilot.press("x")
        await driver.settle(pilot)
        assert front(driver) == "queues"


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
@pytest.mark.parametrize("name", NAMES)
async def test_the_timeline_stays_where_there_is_room_for_it(
    make_driver: MakeDriver, name: str, size: tuple[int, int]
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=size) as pilot:
        await driver.feed(pilot, every_state())
        driver.app.board_screen.action_panel(name)
        await driver.settle(pilot)
        stays = make(name).timeline
        assert ("TIMELINE" in driver.text) is (stays == "always" or (stays == "tall" and size == (120, 40)))
        driver.app.board_screen.action_panel("board")
        await driver.settle(pilot)
        assert "TIMELINE" in driver.text


@pytest.mark.parametrize("panel", PANELS, ids=NAMES)
async def test_each_shows_the_time_before_the_chosen_process_was_born(make_driver: MakeDriver, panel: Action) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state().pause())
        await pilot.press("down", "home", panel.keys)
        await driver.settle(pilot)
        await driver.settle(pilot)
        assert front(driver) == panel.id
        assert driver.app.board_screen.chosen == 1
        assert 1 not in driver.app.session.view.names


async def test_quick_keys_leave_nobody_at_work_who_is_not_in_front(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        driver.app.board_screen.action_panel("queues")
        driver.app.board_screen.action_panel("board")
        await driver.settle(pilot)
        driver.link.sent.clear()
        await driver.feed(pilot, script.expire("prime").run("pi"))
        await pilot.pause(0.5)
        assert driver.sent == []


def looks(driver: AppDriver) -> int:
    return sum(isinstance(command, Look) for command in driver.sent)


async def test_queues_are_asked_for_while_they_are_in_front_and_something_happens(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        assert driver.sent == []
        await pilot.press("4")
        await until(lambda: driver.sent, pilot)
        await pilot.pause(0.5)
        assert looks(driver) == 1, "nothing has happened since"
        await driver.feed(pilot, script.expire("prime").run("pi"))
        await until(lambda: looks(driver) == 2, pilot)
        await pilot.press("1")
        await driver.feed(pilot, script.later("50ms").expire("pi").run("disk"))
        await pilot.pause(0.5)
        assert looks(driver) == 2
