"""Who runs next? Asked before a choice, live and of the past; what it comes to, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

from sandbox.model.claims import parse_happening
from sandbox.model.commands import Pause, PauseAtSteps, Predict, Resume, Step
from sandbox.model.spec import Step as LessonStep
from tests.support.app import AppDriver, MakeDriver, blank_scenario
from tests.support.kernel_script import KernelScript


def asked(script: KernelScript) -> KernelScript:
    """The machine asks before it chooses for CPU 0."""
    for name in [*script._on]:
        script._off(name, "paused")
        script._ready(name, "preempted")
    return script.operator("paused", by="question", cpu=0)


def shown(driver: AppDriver) -> str:
    """What stands where the reason stands otherwise."""
    place = "question" if driver.app.board_screen.question.display else "why"
    widget = driver.app.board_screen.query_one(f"#{place}")
    return "\n".join([str(widget.border_title), *(line.strip() for line in driver.panel(place) if line.strip())])


async def test_a_question_and_its_answer(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "1s").admit("b", "1s").admit("c", "1s").run("a").later("50ms")
        await driver.feed(pilot, script)
        await pilot.press("a")
        assert driver.sent == [Predict(True)]
        await driver.feed(pilot, asked(script.expire("a")))
        assert shown(driver).splitlines() == [
            "WHO RUNS NEXT?",
            "0.050 s  a used its whole slice and goes to the tail.",
            "○ 1 a  ○ 2 b  ○ 3 c",
        ]
        await pilot.press("enter")
        await driver.settle(pilot)
        assert "● 1 a" in shown(driver), "a question begins with nobody chosen; then one is, but nobody is named"
        assert driver.sent == [Predict(True)]
        await pilot.press("down", "enter")
        await driver.settle(pilot)
        assert driver.sent[1:] == [Step()]
        assert driver.app.session.quiz.question is None, "it is answered once"
        await driver.feed(pilot, script.operator("stepped").run("b").operator("paused", by="step"))
        assert shown(driver).splitlines() == [
            "✔ RIGHT   1 of 1 right",
            "You said b. rr chooses b: it is the head of the ready queue.",
        ]
        await pilot.press("enter")
        assert driver.sent[2:] == [Resume()]
        await driver.feed(pilot, asked(script.operator("resumed").later("50ms").expire("b")))
        assert "○ 1 a  ○ 2 b  ○ 3 c" in shown(driver)
        await pilot.press("up", "enter")
        await driver.feed(pilot, script.operator("stepped").run("c").operator("paused", by="step"))
        assert shown(driver).startswith("✔ RIGHT   2 of 2 right")
        await pilot.press("enter")
        await driver.feed(pilot, asked(script.operator("resumed").later("50ms").expire("c")))
        await pilot.press("escape")
        assert driver.sent[-1] == Step(), "who says nothing sees it all the same"
        await driver.feed(pilot, script.operator("stepped").run("a").operator("paused", by="step"))
        assert shown(driver).startswith("WHY")
        await pilot.press("a", "a")
        assert driver.sent[-2:] == [Predict(False), Predict(True)]
        await pilot.press("r")
        assert driver.sent == [Predict(True)], "the same again asks again"


async def test_candidates_are_clicked_and_clicked_twice_said(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a", "1s").admit("b", "1s").run("a").later("50ms"))
        await pilot.press("a")
        script = KernelScript().admit("a", "1s").admit("b", "1s").run("a").later("50ms").expire("a")
        script.take()
        await driver.feed(pilot, asked(script))
        x = driver.panel("question")[-1].index("2 b")
        region = driver.app.board_screen.question.content_region
        place = region.x + x, region.bottom - 1
        await pilot.click(offset=place)
        await driver.settle(pilot)
        assert "● 2 b" in shown(driver)
        await pilot.click(offset=place, times=2)
        await driver.settle(pilot)
        assert driver.sent[1:] == [Step()]


async def test_of_the_past_it_is_asked_what_is_known(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = (
            KernelScript().admit("a", "1s").run("a").later("10ms").admit("b", "1s").later("40ms").expire("a").run("b")
        )
        script.later("20ms").block("b", "sleep").run("a").later("5ms").wake("b").later("45ms").expire("a").run("b")
        await driver.feed(pilot, script.pause())
        await pilot.press("home", "a", "full_stop")
        await driver.settle(pilot)
        assert "a arrives. rr chooses a" in shown(driver), "nobody is asked where there is no choice"
        await pilot.press("full_stop")
        await driver.settle(pilot)
        assert "◀ PAST" in driver.text
        assert shown(driver).splitlines()[1:] == [
            "0.050 s  a used its whole slice and goes to the tail.",
            "○ 1 a  ○ 2 b",
        ]
        assert driver.panel("running")[0].split()[-1] != "b", "the answer is not on the board"
        await pilot.press("down", "enter")
        await driver.settle(pilot)
        assert shown(driver).splitlines() == [
            "✘ NO   0 of 1 right",
            "You said a. rr chooses b: it is the head of the ready queue.",
        ]
        await pilot.press("comma", "full_stop", "down", "down", "enter")
        await driver.settle(pilot)
        assert shown(driver).startswith("✔ RIGHT   0 of 1 right"), "what is known by then does not count"
        await pilot.press("full_stop", "full_stop")
        await driver.settle(pilot)
        assert "○ 1 a  ○ 2 b" in shown(driver)
        await pilot.press("full_stop")
        await driver.settle(pilot)
        assert "chooses b" in shown(driver)
        assert driver.sent == [Predict(True)], "the machine has nothing to do with it"


async def test_a_lesson_asks_until_its_step_is_done(make_driver: MakeDriver, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("One\n\n---\n\nTwo\n")
    lesson = blank_scenario("a", "b", lesson="mine.md")
    lesson.folder = str(tmp_path)
    lesson.steps = [LessonStep(parse_happening("b runs"), pause=True, predict=True)]
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = asked(KernelScript().admit("a").admit("b"))
        await driver.feed(pilot, script)
        assert driver.sent == [PauseAtSteps(True), Predict(True), Pause("lesson")], "before anybody has run"
        await pilot.press("down", "down", "enter")
        await driver.feed(pilot, script.operator("stepped").run("b").operator("paused", by="step"))
        assert driver.sent[3:] == [Step(), Predict(False), Pause("lesson")]
        assert shown(driver).startswith("✔ RIGHT")
        await driver.feed(pilot, script.operator("resumed").later("50ms").expire("b").run("a"))
        assert shown(driver).startswith("WHY")


async def test_a_lesson_that_is_not_shown_asks_nothing(make_driver: MakeDriver, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("One\n\n---\n\nTwo\n")
    lesson = blank_scenario("a", "b", lesson="mine.md")
    lesson.folder = str(tmp_path)
    lesson.steps = [LessonStep(parse_happening("b runs"), predict=True)]
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.settle(pilot)
        await pilot.press("l")
        driver.link.sent.clear()
        await driver.feed(pilot, KernelScript().admit("a").admit("b").run("a").later("10ms"))
        assert driver.sent == []
