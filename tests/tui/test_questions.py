"""Who runs next? Asked before a choice, live and of the past; what it comes to, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sandbox.model.claims import parse_happening
from sandbox.model.commands import Pause, Predict, Resume, Step
from sandbox.model.spec import Step as LessonStep
from tests.support.app import Play, world
from tests.support.kernel_script import Story

Stage = Callable[..., Play]


def asked(story: Story) -> Story:
    """The machine asks before it chooses for CPU 0."""
    for name in [*story._on]:
        story._off(name, "paused")
        story._ready(name, "preempted")
    return story.operator("paused", by="question", cpu=0)


def shown(it: Play) -> str:
    """What stands where the reason stands otherwise."""
    place = "question" if it.app.board_screen.question.display else "why"
    widget = it.app.board_screen.query_one(f"#{place}")
    return "\n".join([str(widget.border_title), *(line.strip() for line in it.panel(place) if line.strip())])


async def test_a_question_and_its_answer(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a", "1s").admit("b", "1s").admit("c", "1s").run("a").later("50ms")
        await it.tell(pilot, story)
        await pilot.press("a")
        assert it.sent == [Predict(True)]
        await it.tell(pilot, asked(story.expire("a")))
        assert shown(it).splitlines() == [
            "WHO RUNS NEXT?",
            "0.050 s  a used its whole slice and goes to the tail.",
            "○ 1 a  ○ 2 b  ○ 3 c",
        ]
        await pilot.press("enter")
        await it.settle(pilot)
        assert "● 1 a" in shown(it), "a question begins with nobody chosen; then one is, but nobody is named"
        assert it.sent == [Predict(True)]
        await pilot.press("down", "enter")
        await it.settle(pilot)
        assert it.sent[1:] == [Step()]
        assert it.app.session.quiz.question is None, "it is answered once"
        await it.tell(pilot, story.operator("stepped").run("b").operator("paused", by="step"))
        assert shown(it).splitlines() == [
            "✔ RIGHT   1 of 1 right",
            "You said b. rr chooses b: it is the head of the ready queue.",
        ]
        await pilot.press("enter")
        assert it.sent[2:] == [Resume()]
        await it.tell(pilot, asked(story.operator("resumed").later("50ms").expire("b")))
        assert "○ 1 a  ○ 2 b  ○ 3 c" in shown(it)
        await pilot.press("up", "enter")
        await it.tell(pilot, story.operator("stepped").run("c").operator("paused", by="step"))
        assert shown(it).startswith("✔ RIGHT   2 of 2 right")
        await pilot.press("enter")
        await it.tell(pilot, asked(story.operator("resumed").later("50ms").expire("c")))
        await pilot.press("escape")
        assert it.sent[-1] == Step(), "who says nothing sees it all the same"
        await it.tell(pilot, story.operator("stepped").run("a").operator("paused", by="step"))
        assert shown(it).startswith("WHY")
        await pilot.press("a", "a")
        assert it.sent[-2:] == [Predict(False), Predict(True)]
        await pilot.press("r")
        assert it.sent == [Predict(True)], "the same again asks again"


async def test_of_the_past_it_is_asked_what_is_known(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a", "1s").run("a").later("10ms").admit("b", "1s").later("40ms").expire("a").run("b")
        story.later("20ms").block("b", "sleep").run("a").later("5ms").wake("b").later("45ms").expire("a").run("b")
        await it.tell(pilot, story.pause())
        await pilot.press("home", "a", "full_stop")
        await it.settle(pilot)
        assert "a arrives. rr chooses a" in shown(it), "nobody is asked where there is no choice"
        await pilot.press("full_stop")
        await it.settle(pilot)
        assert "◀ PAST" in it.text
        assert shown(it).splitlines()[1:] == [
            "0.050 s  a used its whole slice and goes to the tail.",
            "○ 1 a  ○ 2 b",
        ]
        assert it.panel("running")[0].split()[-1] != "b", "the answer is not on the board"
        await pilot.press("down", "enter")
        await it.settle(pilot)
        assert shown(it).splitlines() == [
            "✘ NO   0 of 1 right",
            "You said a. rr chooses b: it is the head of the ready queue.",
        ]
        await pilot.press("comma", "full_stop", "down", "down", "enter")
        await it.settle(pilot)
        assert shown(it).startswith("✔ RIGHT   0 of 1 right"), "what is known by then does not count"
        await pilot.press("full_stop", "full_stop")
        await it.settle(pilot)
        assert "○ 1 a  ○ 2 b" in shown(it)
        await pilot.press("full_stop")
        await it.settle(pilot)
        assert "chooses b" in shown(it)
        assert it.sent == [Predict(True)], "the machine has nothing to do with it"


async def test_a_lesson_asks_until_its_step_is_done(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("One\n\n---\n\nTwo\n")
    lesson = world("a", "b", lesson="mine.md")
    lesson.folder = str(tmp_path)
    lesson.steps = [LessonStep(parse_happening("b runs"), pause=True, predict=True)]
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = asked(Story().admit("a").admit("b"))
        await it.tell(pilot, story)
        assert it.sent == [Predict(True)], "before anybody has run"
        await pilot.press("down", "down", "enter")
        await it.tell(pilot, story.operator("stepped").run("b").operator("paused", by="step"))
        assert it.sent[1:] == [Step(), Predict(False), Pause("lesson")]
        assert shown(it).startswith("✔ RIGHT")
        await it.tell(pilot, story.operator("resumed").later("50ms").expire("b").run("a"))
        assert shown(it).startswith("WHY")


async def test_a_lesson_that_is_not_shown_asks_nothing(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("One\n\n---\n\nTwo\n")
    lesson = world("a", "b", lesson="mine.md")
    lesson.folder = str(tmp_path)
    lesson.steps = [LessonStep(parse_happening("b runs"), predict=True)]
    it = stage(lesson)
    async with it.app.run_test(size=(80, 24)) as pilot:
        await it.settle(pilot)
        await pilot.press("l")
        it.sent.clear()
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        assert it.sent == []
