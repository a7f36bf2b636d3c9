"""Panels: one key each, round with tab, and what is not in front is not asked for anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model.commands import Look
from sandbox.tui.config import Config
from sandbox.tui.keys import PANELS, Action
from sandbox.tui.panels import make
from tests.support.app import Play, until
from tests.support.kernel_script import shift_change

Stage = Callable[..., Play]
NAMES = [panel.id for panel in PANELS]


def front(it: Play) -> str | None:
    """The panel in front, which is the only one that can be seen."""
    shown = [panel.id for panel in it.app.board_screen.query("Panel") if panel.display]
    assert shown == [it.app.board_screen.front.id]
    return shown[0]


async def test_each_has_a_key_and_a_tab(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        for other in PANELS:
            await pilot.press(other.keys)
            await it.settle(pilot)
            assert front(it) == other.id
            assert f"▸{other.keys} {other.name}" in it.panel("tabs")[0]
            assert it.panel("tabs")[0].count("▸") == 1


async def test_tab_goes_round_and_shift_tab_goes_back(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        seen = []
        for key in ["tab"] * len(NAMES) + ["shift+tab"] * len(NAMES):
            await pilot.press(key)
            await it.settle(pilot)
            seen.append(front(it))
        assert seen == [*NAMES[1:], NAMES[0], *reversed(NAMES)]


async def test_a_tab_can_be_clicked(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        for panel in reversed(PANELS):
            await pilot.click("#tabs", offset=(it.panel("tabs")[0].index(panel.name), 0))
            await it.settle(pilot)
            assert front(it) == panel.id


async def test_keys_that_the_user_has_moved_are_named(stage: Stage) -> None:
    it = stage(config=Config(keymap={"queues": "x"}))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        assert "x Queues" in it.panel("tabs")[0]
        await pilot.press("x")
        await it.settle(pilot)
        assert front(it) == "queues"


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
@pytest.mark.parametrize("name", NAMES)
async def test_the_timeline_stays_where_there_is_room_for_it(stage: Stage, name: str, size: tuple[int, int]) -> None:
    it = stage()
    async with it.app.run_test(size=size) as pilot:
        await it.tell(pilot, shift_change())
        it.app.board_screen.action_panel(name)
        await it.settle(pilot)
        stays = make(name).timeline
        assert ("TIMELINE" in it.text) is (stays == "always" or (stays == "tall" and size == (120, 40)))
        it.app.board_screen.action_panel("board")
        await it.settle(pilot)
        assert "TIMELINE" in it.text


@pytest.mark.parametrize("panel", PANELS, ids=NAMES)
async def test_each_shows_the_time_before_the_chosen_process_was_born(stage: Stage, panel: Action) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change().pause())
        await pilot.press("down", "home", panel.keys)
        await it.settle(pilot)
        await it.settle(pilot)
        assert front(it) == panel.id
        assert it.app.board_screen.chosen == 1
        assert 1 not in it.app.session.view.names


async def test_quick_keys_leave_nobody_at_work_who_is_not_in_front(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = shift_change()
        await it.tell(pilot, story)
        it.app.board_screen.action_panel("queues")
        it.app.board_screen.action_panel("board")
        await it.settle(pilot)
        it.sent.clear()
        await it.tell(pilot, story.expire("prime").run("pi"))
        await pilot.pause(0.5)
        assert it.sent == []


def looks(it: Play) -> int:
    return sum(isinstance(command, Look) for command in it.sent)


async def test_queues_are_asked_for_while_they_are_in_front_and_something_happens(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = shift_change()
        await it.tell(pilot, story)
        assert it.sent == []
        await pilot.press("4")
        await until(lambda: it.sent, pilot)
        await pilot.pause(0.5)
        assert looks(it) == 1, "nothing has happened since"
        await it.tell(pilot, story.expire("prime").run("pi"))
        await until(lambda: looks(it) == 2, pilot)
        await pilot.press("1")
        await it.tell(pilot, story.later("50ms").expire("pi").run("disk"))
        await pilot.pause(0.5)
        assert looks(it) == 2
