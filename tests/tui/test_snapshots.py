"""Pictures of the screen, compared with the ones in ``__snapshots__``; ``pytest --snapshot-update`` draws them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from sandbox.model.commands import Describe
from sandbox.model.spec import Scenario
from sandbox.tui.config import Config
from tests.support.app import AppDriver, Compare, MakeDriver, blank_scenario, prepare, until
from tests.support.kernel_script import KernelScript, long_run
from tests.support.queue_script import levels, mlfq, mlfq_run
from tests.support.scenarios import process, scenario

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
    scenario = blank_scenario("prime", "pi", "disk", "editor", "shell", lesson="shifts.md", name="shifts")
    scenario.folder = str(tmp_path)
    return scenario


def thousand() -> KernelScript:
    """As many processes as anybody wants to look at, a few of them in each state."""
    script = KernelScript(quantum="10ms")
    for number in range(1, 1001):
        script.admit(f"process-{number}", "400ms")
    for number in range(1, 201):
        name = f"process-{number}"
        script.run(name).later("8ms")
        match number % 4:
            case 0:
                script.exit(name, number % 8)
            case 1:
                script.block(name, for_ns=500_000_000)
            case _:
                script.expire(name)
    return script.run("process-201").later("4ms")


def test_board(make_driver: MakeDriver, shifts: Scenario, snap_compare: Compare) -> None:
    driver = make_driver(shifts)
    before = prepare(driver, long_run(), "down", "down", "down", sees="together")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)


def test_paused(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    before = prepare(driver, long_run().pause(), "plus", "plus", sees="PAUSED")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)


def test_light(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(config=Config("light"))
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, long_run(), "up"))


def test_small(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=prepare(driver, long_run(), "down"))


def test_empty(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=prepare(driver, KernelScript()))


def test_thousand(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, thousand()))


def test_inspect(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    before = prepare(driver, long_run(), "up", "up", "enter", sees="What schedules")
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=before)


def queues(driver: AppDriver) -> Callable[[Pilot[int]], object]:
    """Queues of several levels, and a parameter about to be edited."""

    async def before(pilot: Pilot[int]) -> None:
        await driver.feed(pilot, mlfq_run())
        await pilot.press("4")
        await until(lambda: Describe() in driver.sent, pilot)
        driver.link.feed([mlfq(boost="1s"), levels()])
        await driver.settle(pilot)
        await pilot.press("down", "enter", "down", "down")
        await driver.settle(pilot)

    return before


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_queues(make_driver: MakeDriver, snap_compare: Compare, size: tuple[int, int]) -> None:
    driver = make_driver()
    assert snap_compare(driver.app, terminal_size=size, run_before=queues(driver))


def three_jobs() -> Scenario:
    """Something to compare policies on."""
    jobs = [
        process("long", "cpu 100ms"),
        process("short", "cpu 10ms", arrive="1ms"),
        process("disk", "io 9ms", "cpu 3ms"),
    ]
    return scenario(*jobs, policy="rr", quantum_ns=10_000_000)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_compare(make_driver: MakeDriver, snap_compare: Compare, size: tuple[int, int]) -> None:
    driver = make_driver(three_jobs())
    before = prepare(driver, long_run(), "5", "c", *"rr,srtf,mlfq", "enter", sees="best of its column")
    assert snap_compare(driver.app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_question(make_driver: MakeDriver, snap_compare: Compare, size: tuple[int, int]) -> None:
    driver = make_driver(config=Config(theme="light"))
    script = long_run().expire("prime").operator("paused", by="question", cpu=0)
    before = prepare(driver, script, "a", "down", "down", sees="WHO RUNS NEXT?")
    assert snap_compare(driver.app, terminal_size=size, run_before=before)


def test_help(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    before = prepare(driver, long_run(), "question_mark", sees="Pause or continue")
    assert snap_compare(driver.app, terminal_size=(100, 40), run_before=before)


@pytest.mark.usefixtures("chinese")
class TestInChinese:
    """Where a character takes two cells."""

    def test_board(self, make_driver: MakeDriver, shifts: Scenario, snap_compare: Compare) -> None:
        driver = make_driver(shifts)
        before = prepare(driver, long_run(), "down", "down", "down", sees="一起")
        assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)

    def test_small(self, make_driver: MakeDriver, snap_compare: Compare) -> None:
        driver = make_driver()
        before = prepare(driver, long_run().pause(), "down", sees="已暂停")
        assert snap_compare(driver.app, terminal_size=(80, 24), run_before=before)

    def test_inspect(self, make_driver: MakeDriver, snap_compare: Compare) -> None:
        driver = make_driver(config=Config("light"))
        before = prepare(driver, long_run(), "up", "up", "enter", sees="What schedules")
        assert snap_compare(driver.app, terminal_size=(80, 24), run_before=before)

    def test_queues(self, make_driver: MakeDriver, snap_compare: Compare) -> None:
        driver = make_driver()
        assert snap_compare(driver.app, terminal_size=(120, 40), run_before=queues(driver))

    def test_compare(self, make_driver: MakeDriver, snap_compare: Compare) -> None:
        driver = make_driver(three_jobs())
        before = prepare(driver, long_run(), "5", "c", *"rr,srtf,mlfq", "enter", sees="本列最好")
        assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)

    def test_help(self, make_driver: MakeDriver, snap_compare: Compare) -> None:
        driver = make_driver()
        before = prepare(driver, long_run(), "question_mark", sees="暂停或继续")
        assert snap_compare(driver.app, terminal_size=(100, 40), run_before=before)
