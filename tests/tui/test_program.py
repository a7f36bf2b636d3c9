"""The panel Program, and driving by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sandbox.model.commands import Choose, Step
from sandbox.model.events import Change, Clause, Stepped
from sandbox.model.spec import ProcessSpec, Scenario
from tests.support.app import AppDriver, MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript

CODE = """from shared import total


def add():
    x = total.value
    x += 1
    total.value = x  # [red]no markup[/] \x1b[31m
"""


def stepping(folder: Path) -> Scenario:
    """Two processes of one file."""
    (folder / "count.py").write_text(CODE)
    world = blank_scenario()
    world.processes = [ProcessSpec(name, python="count.py:add") for name in "ab"]
    return msgspec.structs.replace(world, folder=str(folder))


def step(script: KernelScript, name: str, line: int, *changes: Change) -> KernelScript:
    script.run(name, why=Clause("you chose")).later("1ms")
    script.events.append(Stepped(script.at, script.pid(name), "count.py", line, line + 1, "add", changed=changes))
    return script.expire(name)


def asks(script: KernelScript) -> KernelScript:
    return script.operator("paused", by="choice", cpu=0)


async def test_the_person_gives_the_turns(make_driver: MakeDriver, tmp_path: Path) -> None:
    driver = make_driver(stepping(tmp_path))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript("manual", "50ms").admit("a").admit("b")
        await driver.open(pilot, "0", asks(script))
        assert "⏎ its turn" in driver.panel("keys")[0]
        assert "▸   4 def add():" in "\n".join(driver.panel("pane-1")).replace("▸ 4", "▸   4")
        assert "WHOSE TURN IS IT?" in str(driver.app.board_screen.question.border_title)
        await pilot.press("enter")
        await driver.settle(pilot)
        assert driver.sent == [Choose("1")], "the first is offered"
        await driver.feed(pilot, asks(step(script.operator("chose", pid=1), "a", 5, Change("x", "0"))))
        assert any(line.startswith("▶ 6") for line in driver.panel("pane-1"))
        assert driver.panel("pane-1")[-1].strip() == "x 0"
        assert "[red]no markup[/] [31m" in "\n".join(driver.panel("pane-1"))
        await pilot.press("down", "enter")
        await driver.settle(pilot)
        assert driver.sent[1:] == [Choose("2")]
        await driver.feed(pilot, asks(step(script.operator("chose", pid=2), "b", 5, Change("x", "1", "0", True))))
        assert driver.panel("pane-2")[-1].strip() == "x 0 → 1 (shared)"
        assert "turns a b" in driver.panel("status")[0]
        await pilot.click("#pane-1")
        await driver.settle(pilot)
        assert driver.sent[2:] == [Choose("1")], "a click gives the turn"
        await pilot.press("1")
        await driver.settle(pilot)
        await pilot.click("#ready", offset=(4, 2))
        await driver.settle(pilot)
        assert driver.sent[3:] == [Choose("2")], "on the board as well"
        await pilot.press("0", "full_stop")
        assert driver.sent[4:] == [Step()]
        await pilot.press("comma")
        await driver.settle(pilot)
        assert driver.app.session.view.looks_back
        assert any(line.startswith("▶ 6") for line in driver.panel("pane-1"))


async def test_who_is_blocked_is_marked_with_the_reason(make_driver: MakeDriver, tmp_path: Path) -> None:
    driver = make_driver(stepping(tmp_path))
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = KernelScript("rr", "50ms").admit("a").admit("b")
        step(step(script, "a", 5), "b", 5)
        await driver.open(pilot, "0", script.run("a").block("a", "sleep", for_ns=10_000_000))
        marked = next(line for line in driver.panel("pane-1") if line.startswith("B 6"))
        assert "sleep 10 ms" in marked
        assert any(line.startswith("▶ 6") for line in driver.panel("pane-2"))
        await driver.feed(pilot, script.run("b").exit("b"))
        assert not any(line.startswith("▶") for line in driver.panel("pane-2"))
        await pilot.resize_terminal(40, 24)
        await until(lambda: sum(pane.display for pane in driver.app.screen.query("Pane")) == 1, pilot)


async def test_it_says_how_many_there_is_no_room_for(make_driver: MakeDriver, tmp_path: Path) -> None:
    world = stepping(tmp_path)
    world.processes.append(ProcessSpec("c", python="count.py:add"))
    driver = make_driver(world)
    async with driver.app.run_test(size=(100, 28)) as pilot:
        script = KernelScript("rr", "50ms").admit("a").admit("b").admit("c")
        await driver.open(pilot, "0", step(step(step(script, "a", 5), "b", 5), "c", 5))
        assert below(driver) == ["in add   steps 1", "↓ 1 more   in add   steps 1"]
        for _ in "abc":
            await pilot.press("down")
        await driver.settle(pilot)
        assert below(driver) == ["↑ 1 more   in add   steps 1", "in add   steps 1"]
        await driver.feed(pilot, script.run("a").exit("a"))
        for _ in "bc":
            await pilot.press("down")
        await driver.settle(pilot)
        assert below(driver) == ["↑ 1 more   in add   steps 1", "in add   steps 1"], "one that has ended counts, too"


def below(driver: AppDriver) -> list[str]:
    """What stands in the lower borders of the panes."""
    return [str(pane.border_subtitle) for pane in driver.app.screen.query("Pane") if pane.display]
