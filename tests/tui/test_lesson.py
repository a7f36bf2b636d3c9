"""A lesson goes step by step: what it waits for, what it points at, where it pauses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.model.claims import parse_happening
from sandbox.model.commands import Pause
from sandbox.model.spec import PANELS, PARTS, Scenario, Step
from sandbox.tui import keys
from sandbox.tui.panels import make
from tests.support.app import Play, until, world
from tests.support.kernel_script import Story

Stage = Callable[..., Play]


@pytest.fixture
def lesson(tmp_path: Path) -> Scenario:
    """Two steps; the first ends in a pause."""
    (tmp_path / "mine.md").write_text("# Mine\n\nOne {a.x}\n\n---\n\nTwo {a.x}\n\n---\n\nThree {utilisation}\n")
    (tmp_path / "mine.zh.md").write_text("# 我的\n\n一\n\n---\n\n二\n\n---\n\n三\n")
    scenario = world("a", "b", lesson="mine.md")
    scenario.folder = str(tmp_path)
    scenario.steps = [
        Step(parse_happening("a blocks on sleep"), "blocked", pause=True),
        Step(parse_happening("b exits"), "done"),
    ]
    return scenario


def pointed(it: Play) -> list[str | None]:
    return [widget.id for widget in it.app.board_screen.query(".pointed")]


async def test_a_step_comes_when_the_thing_happens(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a").admit("b").run("a").later("10ms").write("a", "x = 5\n")
        await it.tell(pilot, story)
        await until(lambda: "One 5" in it.text or "One …" in it.text, pilot)
        assert "waits until a blocks on sleep" in it.text
        assert "Two" not in it.text
        assert pointed(it) == ["blocked"]
        assert it.sent == []
        await it.tell(pilot, story.block("a", "sleep").run("b").later("10ms"))
        await until(lambda: "Two 5" in it.text, pilot)
        assert "✔ a blocks on sleep after 10 ms" in it.text
        assert "waits until b exits" in it.text
        assert it.sent == [Pause("lesson")]
        assert pointed(it) == ["done"]
        story.pause().operator("resumed").run("b").exit("b").wake("a").run("a").exit("a")
        await it.tell(pilot, story)
        await until(lambda: "Three 100%" in it.text, pilot)
        assert it.sent == [Pause("lesson")]
        assert pointed(it) == []


async def test_a_lesson_that_nobody_reads_does_not_pause(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        assert it.sent == []
        assert pointed(it) == []
        assert "One" not in it.text
        await pilot.press("r")
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        assert "One" not in it.text, "who has hidden lessons wants none"
        await pilot.press("5", "l")
        await until(lambda: "One" in it.text and "READY" in it.text, pilot)


@pytest.mark.usefixtures("chinese")
async def test_a_lesson_in_chinese(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "我的" in it.text.replace("\0", ""), pilot)


async def test_running_it_again_begins_at_its_beginning(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        await until(lambda: "Two" in it.text, pilot)
        await pilot.press("r")
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "Two" not in it.text and "One" in it.text, pilot)


async def test_nothing_is_told_ahead_of_a_pause(stage: Stage, lesson: Scenario) -> None:
    """A machine that is asked to pause goes on for a moment."""
    lesson.steps[1].pause = True
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a").admit("b").run("a").later("10ms").block("a", "sleep").run("b").exit("b")
        await it.tell(pilot, story)
        await until(lambda: "Two" in it.text, pilot)
        assert "Three" not in it.text
        assert it.sent == [Pause("lesson")]
        await it.tell(pilot, story.later("1ms").pause())
        assert "Three" not in it.text
        await it.tell(pilot, story.operator("resumed"))
        await until(lambda: "Three" in it.text, pilot)
        assert it.sent == [Pause("lesson")] * 2
        await pilot.press("l")
        await it.tell(pilot, story.wake("a").run("a").later("1ms").exit("a"))
        assert len(it.sent) == 2


async def test_a_step_shows_the_panel_and_the_process_that_it_is_about(stage: Stage, lesson: Scenario) -> None:
    lesson.steps = [
        Step(parse_happening("a blocks on sleep"), "states", "b"),
        Step(parse_happening("a/1 runs"), "memory", "a/1"),
        Step(parse_happening("a exits"), "blocked"),
    ]
    (Path(lesson.folder) / "mine.md").write_text("One\n\n---\n\nTwo\n\n---\n\nThree\n\n---\n\nFour\n")
    it = stage(lesson)
    async with it.app.run_test(size=(80, 24)) as pilot:
        screen = it.app.board_screen
        story = Story().admit("a").run("a").later("10ms")
        await it.tell(pilot, story)
        await until(lambda: "One" in it.text and "READY → RUNNING" in it.text, pilot)
        assert (screen.front.id, screen.chosen) == ("states", None)
        assert pointed(it) == ["states"]
        await it.tell(pilot, story.admit("b"))
        assert screen.chosen == 2, "as soon as it is born"
        assert "STATES of b" in it.text
        await pilot.press("up", "3")
        await it.settle(pilot)
        assert (screen.front.id, screen.chosen) == ("console", 1), "the reader looks at what he likes"
        await it.tell(pilot, story.admit("c", parent="a").block("a", "sleep"))
        await it.settle(pilot)
        assert (screen.front.id, screen.chosen) == ("memory", 3)
        assert "PROCESS TREE" in it.text
        await pilot.press("3", "enter")  # somebody types
        await it.tell(pilot, story.run("c"))
        assert screen.front.id == "console"
        assert pointed(it) == ["blocked"]


def test_a_step_can_point_at_every_panel_beside_which_a_lesson_can_be_read() -> None:
    beside = [panel.id for panel in keys.PANELS if make(panel.id).timeline != "never"]
    assert list(PANELS) == beside
    assert set(PARTS) == {"ready", "running", "blocked", "done", "timeline", "why"}
