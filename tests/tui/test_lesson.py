"""A lesson goes step by step: what it waits for, what it points at, where it pauses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.model.claims import parse_happening
from sandbox.model.commands import Pause, PauseAtSteps, Resume
from sandbox.model.events import Clause, Operator
from sandbox.model.spec import PANELS, PARTS, Scenario, Step
from sandbox.tui import keys
from sandbox.tui.config import Config
from sandbox.tui.panels import make
from sandbox.views.tracker import LessonTracker
from tests.support.app import AppDriver, MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript

#: The lesson pauses by itself at its steps.
PAUSES = PauseAtSteps(True)


@pytest.fixture
def lesson(tmp_path: Path) -> Scenario:
    """Two steps; the first ends in a pause."""
    (tmp_path / "mine.md").write_text("# Mine\n\nOne {a.x}\n\n---\n\nTwo {a.x}\n\n---\n\nThree {utilisation}\n")
    (tmp_path / "mine.zh.md").write_text("# 我的\n\n一\n\n---\n\n二\n\n---\n\n三\n")
    scenario = blank_scenario("a", "b", lesson="mine.md")
    scenario.folder = str(tmp_path)
    scenario.steps = [
        Step(parse_happening("a blocks on sleep"), "blocked", pause=True),
        Step(parse_happening("b exits"), "done"),
    ]
    return scenario


def pointed(driver: AppDriver) -> list[str | None]:
    return [widget.id for widget in driver.app.board_screen.query(".pointed")]


async def test_a_step_comes_when_the_thing_happens(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").run("a").later("10ms").write("a", "x = 5\n")
        await driver.feed(pilot, script)
        await until(lambda: "One 5" in driver.text or "One –" in driver.text, pilot)
        assert "waits until a blocks on sleep" in driver.text
        assert "Two" not in driver.text
        assert pointed(driver) == ["blocked"]
        assert driver.sent == [PAUSES, Pause("lesson")], "it begins with its reader"
        await driver.feed(pilot, script.block("a", "sleep").run("b").later("10ms"))
        await until(lambda: "Two 5" in driver.text, pilot)
        assert "✔ a blocks on sleep after 10 ms" in driver.text
        assert "waits until b exits" in driver.text
        assert driver.sent == [PAUSES, *[Pause("lesson")] * 2]
        assert pointed(driver) == ["done"]
        script.pause().operator("resumed").run("b").exit("b").wake("a").run("a").exit("a")
        await driver.feed(pilot, script)
        await until(lambda: "Three 100%" in driver.text, pilot)
        assert driver.sent == [PAUSES, *[Pause("lesson")] * 2]
        assert pointed(driver) == []


async def test_a_lesson_that_nobody_reads_does_not_pause(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        too_late = [PAUSES, Pause("lesson"), PauseAtSteps(False)]
        assert driver.sent in ([], too_late), "unless it was hidden when the run had begun"
        assert pointed(driver) == []
        assert "One" not in driver.text
        await pilot.press("r")
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms"))
        assert "One" not in driver.text, "who has hidden lessons wants none"
        await pilot.press("5", "l")
        await until(lambda: "One" in driver.text and "READY" in driver.text, pilot)


@pytest.mark.usefixtures("chinese")
async def test_a_lesson_in_chinese(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "我的" in driver.text.replace("\0", ""), pilot)


async def test_running_it_again_begins_at_its_beginning(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        await until(lambda: "Two" in driver.text, pilot)
        await pilot.press("r")
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "Two" not in driver.text and "One" in driver.text, pilot)


async def test_nothing_is_told_ahead_of_a_pause(make_driver: MakeDriver, lesson: Scenario) -> None:
    """A machine that is asked to pause goes on for a moment."""
    lesson.steps[1].pause = True
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").run("a").later("10ms").block("a", "sleep").run("b").exit("b")
        await driver.feed(pilot, script)
        await until(lambda: "Two" in driver.text, pilot)
        assert "Three" not in driver.text
        assert driver.sent == [PAUSES, *[Pause("lesson")] * 2]
        await driver.feed(pilot, script.later("1ms").pause())
        assert "Three" not in driver.text
        await driver.feed(pilot, script.operator("resumed"))
        await until(lambda: "Three" in driver.text, pilot)
        assert driver.sent == [PAUSES, *[Pause("lesson")] * 3]
        await pilot.press("l")
        await driver.feed(pilot, script.wake("a").run("a").later("1ms").exit("a"))
        assert len(driver.sent) == 5


async def test_a_step_shows_the_panel_and_the_process_that_it_is_about(
    make_driver: MakeDriver, lesson: Scenario
) -> None:
    lesson.steps = [
        Step(parse_happening("a blocks on sleep"), "states", "b"),
        Step(parse_happening("a/1 runs"), "memory", "a/1"),
        Step(parse_happening("a exits"), "blocked", "b"),
    ]
    (Path(lesson.folder) / "mine.md").write_text("One\n\n---\n\nTwo\n\n---\n\nThree\n\n---\n\nFour\n")
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(80, 24)) as pilot:
        screen = driver.app.board_screen
        script = KernelScript().admit("a").run("a").later("10ms")
        await driver.feed(pilot, script)
        await until(lambda: "One" in driver.text and "READY → RUNNING" in driver.text, pilot)
        assert (screen.front.id, screen.chosen) == ("states", None)
        assert pointed(driver) == ["states"]
        await driver.feed(pilot, script.admit("b"))
        assert screen.chosen == 2, "as soon as it is born"
        assert "STATES of b" in driver.text
        await pilot.press("up", "3")
        await driver.settle(pilot)
        assert (screen.front.id, screen.chosen) == ("console", 1), "the reader looks at what he likes"
        await driver.feed(pilot, script.admit("c", parent="a").block("a", "sleep"))
        await driver.settle(pilot)
        assert (screen.front.id, screen.chosen) == ("memory", 3)
        assert "PROCESS TREE" in driver.text
        await pilot.press("n", *"vim", "enter")
        await driver.feed(pilot, script.spawn("vim", "vim"))
        await pilot.press("3", "enter")  # somebody types
        await driver.feed(pilot, script.run("c"))
        assert (screen.front.id, screen.chosen) == ("console", script.pid("vim")), "into a program of theirs"
        assert pointed(driver) == ["blocked"]


def test_a_step_can_point_at_every_panel_beside_which_a_lesson_can_be_read() -> None:
    beside = [panel.id for panel in keys.PANELS if make(panel.id).timeline != "never"]
    assert list(PANELS) == beside
    assert set(PARTS) == {"ready", "running", "blocked", "done", "timeline", "why"}


async def test_it_begins_with_its_reader_and_says_which_key_goes_on(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson, Config("dark", {"pause": "x"}))
    (Path(lesson.folder) / "mine.md").write_text("Press `space`.\n\n---\n\nTwo\n\n---\n\nThree\n")
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").operator("paused", by="lesson")
        await driver.feed(pilot, script)
        await until(lambda: "‖ x begins" in driver.text and "Press x." in driver.text, pilot)
        await pilot.press("x")
        assert driver.sent == [PAUSES, Pause("lesson"), Resume()]
        await driver.feed(pilot, script.operator("resumed").run("a").later("10ms"))
        assert "▶ waits until a blocks on sleep" in driver.text
        await driver.feed(pilot, script.block("a", "sleep").operator("paused", by="lesson"))
        await until(lambda: "‖ x goes on" in driver.text and "Two" in driver.text, pilot)
        await driver.feed(pilot, script.operator("resumed").run("b").later("1ms").exit("b", None, 9))
        await until(lambda: "Three" in driver.text, pilot)


async def test_where_a_turn_is_a_line_the_key_for_one_turn_is_offered(
    make_driver: MakeDriver, lesson: Scenario
) -> None:
    lesson.machine.slice = "line"
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").admit("b").operator("paused", by="lesson"))
        await until(lambda: "‖ . one turn   space all of them" in driver.text, pilot)


async def test_a_pause_at_its_end_still_says_what_goes_on(make_driver: MakeDriver, lesson: Scenario) -> None:
    lesson.steps = lesson.steps[:1]
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").run("a").later("10ms")
        await driver.feed(pilot, script)
        driver.app.session.lesson.of_course = True
        await driver.feed(pilot, script.block("a", "sleep").operator("paused", by="lesson"))
        await until(lambda: "‖ space goes on   ✔ L next lesson" in driver.text, pilot)
        await driver.feed(pilot, script.operator("resumed").run("b").later("10ms"))
        await until(lambda: "‖ space" not in driver.text and "✔ L next lesson" in driver.text, pilot)


async def test_what_cannot_come_any_more_is_said_and_a_key_offered(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms").exit("a").run("b"))
        assert "✘ This does not come any more: a" in driver.text
        assert "begins the lesson again." in driver.text or "begins the lesson" in driver.text
        await pilot.press("r")
        await until(lambda: len(driver.links) == 2, pilot)


async def test_what_becomes_of_the_dead_can_still_come(make_driver: MakeDriver, lesson: Scenario) -> None:
    lesson.steps = [Step(parse_happening("a/1 is reaped"))]
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").run("a").later("10ms").admit("child", runs="a", parent="a").expire("a")
        await driver.feed(pilot, script.run("child").later("10ms").exit("child").run("a").later("1ms"))
        await until(lambda: "waits until a/1 is reaped" in driver.text, pilot)


async def test_nothing_lies_below_the_foot_of_a_lesson(make_driver: MakeDriver, lesson: Scenario) -> None:
    (Path(lesson.folder) / "mine.md").write_text("One\n\n" * 40 + "---\n\nTwo\n\n---\n\nThree\n")
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").admit("b").operator("paused", by="lesson"))
        await until(lambda: "‖ space begins" in driver.text, pilot)
        board = driver.app.board_screen
        foot = board.query_one("#lesson-foot").region
        assert foot.height
        assert board.query_one("#lesson-text").region.bottom <= foot.y, (
            "of wide characters above others' edges halves would be lost"
        )


async def test_results_stay_whatever_is_started_afterwards(make_driver: MakeDriver, lesson: Scenario) -> None:
    lesson.steps = []
    (Path(lesson.folder) / "mine.md").write_text("Done after {makespan}.\n\nAlways.\n")
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").run("a").later("10ms")
        await driver.feed(pilot, script)
        await until(lambda: "Always." in driver.text, pilot)
        assert "Done after" not in driver.text, "what is not known is not spoken of"
        await driver.feed(pilot, script.exit("a").run("b").later("10ms").exit("b"))
        await until(lambda: "Done after 20 ms." in driver.text, pilot)
        await driver.feed(pilot, script.later("1s").spawn("top", "top").run("top").later("1s"))
        await driver.settle(pilot)
        assert "Done after 20 ms." in driver.text


def test_a_pause_of_the_machines_own_is_not_the_readers() -> None:
    story = LessonTracker(steps=[parse_happening("operator paused")])
    for by in ("silence", "lesson", "question", "step", "operator"):
        assert story.reached == []
        story.add(Operator(1, Clause("paused", {"by": by})))
    assert story.reached == [1]


def test_what_comes_once_and_before_its_turn_is_not_waited_for() -> None:
    story = LessonTracker(steps=[parse_happening("b exits"), parse_happening("a exits")])
    for event in KernelScript().admit("a").admit("b").exit("a").exit("b").take():
        story.add(event)
    assert len(story.reached) == 2
