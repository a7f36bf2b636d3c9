"""Pictures of the screen, compared with the ones in ``__snapshots__``; ``pytest --snapshot-update`` draws them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from sandbox.model.commands import Describe
from sandbox.model.spec import Scenario
from sandbox.tui.config import Config
from tests.support.app import Play, show, until, world
from tests.support.kernel_script import Story, working_day
from tests.support.queue_script import crowd, levels, mlfq
from tests.support.scenarios import process, scenario

Stage = Callable[..., Play]
Compare = Callable[..., bool]

LESSON = """# Shifts

**RUNNING** has the CPU, *READY* waits for it. Press `.` and see.

| | alone | together |
|---|---|---|
| CPU in use | {serial_utilisation} | **{utilisation}** |
"""

CHINESE_LESSON = """# 轮班

**运行**的占有 CPU，*就绪*的等着轮到自己。按 `.` 看一看：一行放不下的文字在两个字之间断开，标点不放在行首。

| | 单独 | 一起 |
|---|---|---|
| CPU 利用率 | {serial_utilisation} | **{utilisation}** |
"""


@pytest.fixture
def shifts(tmp_path: Path) -> Scenario:
    """A scenario with a lesson."""
    (tmp_path / "shifts.md").write_text(LESSON, encoding="utf-8")
    (tmp_path / "shifts.zh.md").write_text(CHINESE_LESSON, encoding="utf-8")
    scenario = world("prime", "pi", "disk", "editor", "shell", lesson="shifts.md", name="shifts")
    scenario.folder = str(tmp_path)
    return scenario


def thousand() -> Story:
    """As many processes as anybody wants to look at, a few of them in each state."""
    story = Story(quantum="10ms")
    for number in range(1, 1001):
        story.admit(f"process-{number}", "400ms")
    for number in range(1, 201):
        name = f"process-{number}"
        story.run(name).later("8ms")
        match number % 4:
            case 0:
                story.exit(name, number % 8)
            case 1:
                story.block(name, for_ns=500_000_000)
            case _:
                story.expire(name)
    return story.run("process-201").later("4ms")


def test_board(stage: Stage, shifts: Scenario, snap_compare: Compare) -> None:
    it = stage(shifts)
    before = show(it, working_day(), "down", "down", "down", sees="together")
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)


def test_paused(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    before = show(it, working_day().pause(), "plus", "plus", sees="PAUSED")
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)


def test_light(stage: Stage, snap_compare: Compare) -> None:
    it = stage(config=Config("light"))
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=show(it, working_day(), "up"))


def test_small(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    assert snap_compare(it.app, terminal_size=(80, 24), run_before=show(it, working_day(), "down"))


def test_empty(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    assert snap_compare(it.app, terminal_size=(80, 24), run_before=show(it, Story()))


def test_thousand(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=show(it, thousand()))


def test_inspect(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    before = show(it, working_day(), "up", "up", "enter", sees="What schedules")
    assert snap_compare(it.app, terminal_size=(80, 24), run_before=before)


def queues(it: Play) -> Callable[[Pilot[int]], object]:
    """Queues of several levels, and a parameter about to be edited."""

    async def before(pilot: Pilot[int]) -> None:
        await it.tell(pilot, crowd())
        await pilot.press("4")
        await until(lambda: Describe() in it.sent, pilot)
        it.link.feed([mlfq(boost="1s"), levels()])
        await it.settle(pilot)
        await pilot.press("down", "enter", "down", "down")
        await it.settle(pilot)

    return before


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_queues(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    it = stage()
    assert snap_compare(it.app, terminal_size=size, run_before=queues(it))


def three_jobs() -> Scenario:
    """Something to compare policies on."""
    jobs = [
        process("long", "cpu 100ms"),
        process("short", "cpu 10ms", arrive="1ms"),
        process("disk", "io 9ms", "cpu 3ms"),
    ]
    return scenario(*jobs, policy="rr", quantum_ns=10_000_000)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_compare(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    it = stage(three_jobs())
    before = show(it, working_day(), "5", "c", *"rr,srtf,mlfq", "enter", sees="best of its column")
    assert snap_compare(it.app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_question(stage: Stage, snap_compare: Compare, size: tuple[int, int]) -> None:
    it = stage(config=Config(theme="light"))
    story = working_day().expire("prime").operator("paused", by="question", cpu=0)
    before = show(it, story, "a", "down", "down", sees="WHO RUNS NEXT?")
    assert snap_compare(it.app, terminal_size=size, run_before=before)


def test_help(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    before = show(it, working_day(), "question_mark", sees="Pause or go on")
    assert snap_compare(it.app, terminal_size=(100, 40), run_before=before)


@pytest.mark.usefixtures("chinese")
class TestInChinese:
    """Where a character takes two cells."""

    def test_board(self, stage: Stage, shifts: Scenario, snap_compare: Compare) -> None:
        it = stage(shifts)
        before = show(it, working_day(), "down", "down", "down", sees="一起")
        assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)

    def test_small(self, stage: Stage, snap_compare: Compare) -> None:
        it = stage()
        before = show(it, working_day().pause(), "down", sees="已暂停")
        assert snap_compare(it.app, terminal_size=(80, 24), run_before=before)

    def test_inspect(self, stage: Stage, snap_compare: Compare) -> None:
        it = stage(config=Config("light"))
        before = show(it, working_day(), "up", "up", "enter", sees="What schedules")
        assert snap_compare(it.app, terminal_size=(80, 24), run_before=before)

    def test_queues(self, stage: Stage, snap_compare: Compare) -> None:
        it = stage()
        assert snap_compare(it.app, terminal_size=(120, 40), run_before=queues(it))

    def test_compare(self, stage: Stage, snap_compare: Compare) -> None:
        it = stage(three_jobs())
        before = show(it, working_day(), "5", "c", *"rr,srtf,mlfq", "enter", sees="本列最好")
        assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)

    def test_help(self, stage: Stage, snap_compare: Compare) -> None:
        it = stage()
        before = show(it, working_day(), "question_mark", sees="暂停或继续")
        assert snap_compare(it.app, terminal_size=(100, 40), run_before=before)
