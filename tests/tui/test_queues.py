"""The Queues panel: what the policy tells, its parameters changed in place, its source, what went wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox.link.client import KernelProcess
from sandbox.model.commands import Describe, Reload, Tune
from sandbox.model.events import AnyEvent, Clause, Described, Fault, Queues, QueueView
from sandbox.model.spec import Boot
from sandbox.tui.app import SandboxApp
from sandbox.tui.state.live import Live
from sandbox.util.units import MS
from tests.support.app import AppDriver, MakeDriver, until
from tests.support.kernel_script import KernelScript
from tests.support.queue_script import levels, mlfq, mlfq_run, queued
from tests.support.scenarios import process, scenario


async def open_panel(driver: AppDriver, pilot: Pilot[int], script: KernelScript, *told: AnyEvent) -> None:
    """Turn to it, and answer."""
    await driver.feed(pilot, script)
    await pilot.press("4")
    await until(lambda: Describe() in driver.sent, pilot)
    driver.link.feed(told)
    await driver.settle(pilot)
    driver.link.sent.clear()


async def test_levels_with_their_slices_and_who_is_in_them(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), mlfq(), levels())
        assert [line.split() for line in driver.panel("queue-list")[:8]] == [
            ["on", "a", "CPU", "level", "slices"],
            ["2", "▶", "short", "1", "1"],
            ["queue", "0", "slice", "10", "ms", "1"],
            ["3", "R", "editor", "0", "1"],
            ["queue", "1", "slice", "20", "ms", "empty"],
            ["queue", "2", "slice", "40", "ms", "2"],
            ["1", "R", "long", "2", "1"],
            ["4", "R", "pi", "2", "1"],
        ]


async def test_deadlines_tickets_and_runtimes_are_told_in_their_units(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        tasks = [queued(1, deadline_ns=12_500_000, tickets=75, share=0.123456), queued(3, deadline_ns=None, tickets=5)]
        seen = Queues(0, [QueueView(Clause("ready queue"), None, 60, tasks)], [])
        await open_panel(driver, pilot, mlfq_run(), mlfq(), seen)
        lines = [" ".join(line.split()) for line in driver.panel("queue-list")]
        assert lines[:4] == [
            "on a CPU deadline tickets share",
            "ready queue 60",
            "1 R long 12.5 ms 75 0.12",
            "3 R editor – 5",
        ]
        assert lines[4] == "… and 58 more"


async def test_a_click_in_a_queue_chooses(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), mlfq(), levels())
        await pilot.click("#queue-list", offset=(9, 7))
        assert driver.app.board_screen.chosen == 1
        await pilot.click("#queue-list", offset=(9, 5))  # a heading
        assert driver.app.board_screen.chosen == 1


def says(driver: AppDriver) -> str:
    """The line below the parameters."""
    return str(driver.app.board_screen.query_one("#parameters .says").render())


async def test_a_parameter_is_changed_in_place(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), mlfq())
        assert "0 ms | 1 ms … 86400 s" in driver.text
        await pilot.press("enter", "down", "down")
        assert says(driver).startswith("how often all processes return to the top")
        await pilot.press("ctrl+u", "1", "s", "enter")
        assert driver.sent == [Tune("boost", "1s")], "no letter was taken for a key"
        driver.link.feed([mlfq(boost="1s")])
        await driver.settle(pilot)
        assert isinstance(driver.app.focused, Input)
        assert driver.app.focused.value == "1s"
        await pilot.press("escape", "space")
        assert len(driver.sent) == 2


async def test_a_refusal_is_told_where_it_belongs_until_it_is_mended(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), mlfq())
        await pilot.press("enter", "down", "ctrl+u", "0", "enter")
        refused = Clause("out of range", {"asked": "set", "value": "0", "allowed": "1 … 1000000"})
        driver.link.feed([Fault(0, refused)])
        await driver.settle(pilot)
        assert says(driver) == "0 is out of range; allowed: 1 … 1000000"
        assert driver.toasts() == []
        await pilot.press("1")
        assert says(driver).startswith("how many slices")
        await pilot.press("up", "escape")
        await driver.settle(pilot)
        assert [field.value for field in driver.app.board_screen.query("#parameters Input").results(Input)][:2] == [
            "10ms, 20ms, 40ms",
            "1",
        ], "what was not set is gone"
        driver.link.feed([Fault(1, refused)])  # a script's, not ours
        await driver.settle(pilot)
        assert driver.toasts() == ["0 is out of range; allowed: 1 … 1000000"]


async def test_another_policy_brings_its_own_parameters(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = mlfq_run()
        await open_panel(driver, pilot, script, mlfq(), levels())
        await driver.feed(pilot, script.schedule("fcfs"))
        await until(lambda: Describe() in driver.sent, pilot)
        driver.link.feed([Described(0, "fcfs", "fcfs", None, "First one first.\n\n    Bad at times.", [])])
        await driver.settle(pilot)
        assert "fcfs has none" in driver.text
        assert "First one first." in driver.text
        assert not driver.app.board_screen.query("#parameters Input")
        await pilot.press("enter")
        assert driver.app.focused is driver.app.board_screen.front


async def test_the_source_is_read_and_left(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), mlfq(), levels())
        await pilot.press("s")
        await until(lambda: '"""The multilevel feedback queue."""' in driver.text, pilot)
        await pilot.press("end")
        await until(lambda: "def figures" in driver.text, pilot)
        await pilot.press("escape")
        await driver.settle(pilot)
        assert "QUEUES of mlfq" in driver.text
        assert "def figures" not in driver.text


async def test_a_failure_is_shown_with_its_line_in_the_students_file(make_driver: MakeDriver, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("".join(f"line_{number} = [1]\n" for number in range(1, 60)))
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript("Mine", None).admit("a").run("a").later("3ms")
        figures = {
            "policy": "Mine",
            "callback": "pick",
            "error": "IndexError: [/red] out",
            "code": "x[9]",
            "successor": "fcfs",
        }
        script.fault("policy raises", file="mine.py", line=41, traceback="Traceback …\n  x[9]", **figures).schedule(
            "fcfs"
        )
        await open_panel(driver, pilot, script, Described(0, "fcfs", f"{path}:Mine", "/gone/fcfs.py", "Rule.", []))
        assert "WHAT WENT WRONG" in driver.text
        assert "Mine fails in pick, mine.py line 41: IndexError: [/red]" in " ".join(
            driver.text.replace("│", " ").split()
        )
        assert "Traceback …" in driver.text
        await pilot.press("s")
        await until(lambda: "❱ 41 line_41" in driver.text, pilot)
        await pilot.press("s", "ctrl+r")
        assert driver.sent[-1] == Reload()
        await driver.feed(pilot, script.later("1s").operator("reloaded", policy="Mine").schedule("Mine"))
        await until(lambda: Describe() in driver.sent, pilot)
        driver.link.feed([Described(0, "Mine", f"{path}:Mine", str(path), "Rule.", [])])
        await driver.settle(pilot)
        assert "WHAT WENT WRONG" not in driver.text
        assert "Mine has been loaded anew" in driver.text


async def test_a_source_that_is_gone_says_so(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await open_panel(driver, pilot, mlfq_run(), Described(0, "x", "x", "/nowhere/x.py", "", []))
        await pilot.press("s")
        await until(lambda: "No such file or directory" in driver.text, pilot)


MINE = '''\
from sandbox.policies import Duration
from sandbox.policies.base import Parameter, Policy

class Mine(Policy):
    """Newest first."""
    quantum = Parameter(Duration("1ms", "1s"), "20ms", "how long each may run")
    def pick(self, cpu, now_ns):
        return self.queue.pop() if self.queue else None
    def slice(self, task):
        return self.quantum
'''


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
async def test_a_policy_of_ones_own_is_edited_while_real_processes_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    world = scenario(process("a", "cpu 60s"), process("b", "cpu 60s"), policy=f"{path}:Mine")
    session = Live(world, lambda scenario: KernelProcess(Boot(scenario, stay=True, attended=True)))
    app = SandboxApp(session)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            board = session.view.board
            await pilot.press("4")
            await until(lambda: board.queues is not None and app.board_screen.query("#parameters Input"), pilot)
            await pilot.press("enter", "ctrl+u", *"7ms", "enter")
            await until(lambda: board.parameters == {"quantum_ns": 7 * MS}, pilot)
            await pilot.press("escape")
            path.write_text(MINE.replace("return self.queue.pop()", "return self.queue.pop(9, 9)"))
            await pilot.press("ctrl+r")
            await until(lambda: board.policy == "fcfs" and board.failure is not None, pilot)
            assert board.failure is not None
            assert board.failure.what.figures["line"] == 8
            path.write_text("def")
            await pilot.press("ctrl+r")
            await until(lambda: board.failure is not None and board.failure.what.figures["line"] == 1, pilot)
            path.write_text(MINE.replace("Newest", "Really the newest"))
            await pilot.press("ctrl+r")
            await until(lambda: board.policy == "Mine" and board.described is not None, pilot)
            assert board.failure is None
            assert board.described is not None
            assert board.described.says == "Really the newest first."
            assert board.parameters == {"quantum_ns": 7 * MS}
            assert len(board.running) == 1, "the run goes on"
            path.write_text("x = (")
            await pilot.press("r")
            await until(lambda: app.session is not session and app.session.view.board.failure is not None, pilot)
            board = app.session.view.board
            assert board.failure is not None
            assert (board.failure.what.rule, board.failure.what.figures["line"]) == ("file fails", 1)
            assert board.policy == "fcfs"
            path.write_text(MINE)
            await pilot.press("ctrl+r")
            await until(lambda: board.policy == "Mine" and board.failure is None, pilot)
    finally:
        app.session.end()
