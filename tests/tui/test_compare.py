"""The Compare panel: the running scenario under several policies, without disturbing it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from sandbox.model.spec import Scenario
from sandbox.tui.panels.compare import Compare
from tests.support.app import AppDriver, MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript
from tests.support.scenarios import process, scenario


def jobs() -> Scenario:
    """Two that compute and one that waits."""
    return scenario(
        process("long", "cpu 100ms"),
        process("short", "cpu 10ms", arrive="1ms"),
        process("disk", "cpu 5ms", "io 20ms", "cpu 5ms"),
        policy="rr",
        quantum_ns=10_000_000,
    )


def started() -> KernelScript:
    return KernelScript().admit("long").admit("short").run("long").later("5ms")


def panel(driver: AppDriver) -> Compare:
    front = driver.app.board_screen.front
    assert isinstance(front, Compare)
    return front


async def test_a_key_compares_and_what_runs_hears_nothing_of_it(make_driver: MakeDriver) -> None:
    driver = make_driver(jobs())
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = started()
        await driver.open(pilot, "5", script)
        assert "all that make sense: rr, fcfs, sjf" in driver.text
        await pilot.press("enter")
        await until(lambda: "best of its column" in driver.text, pilot)
        rows = {line.split()[0]: line for line in driver.panel("standings") if line.strip()}
        assert {"fcfs", "sjf", "rr", "mlfq"} <= rows.keys()
        assert "*" in rows["srtf"]
        assert driver.sent == []
        await driver.feed(pilot, script.later("45ms").expire("long").run("short"))
        assert "t 0.050 s" in driver.text, "the run goes on"


async def test_it_scrolls_to_the_charts_and_is_saved(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_driver(jobs())
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("enter")
        await until(lambda: "turnaround" in driver.text, pilot)
        assert "1 … " in driver.text
        await pilot.press("down")
        await until(lambda: "2 … " in driver.text, pilot)
        for _ in range(20):
            await pilot.press("pagedown")
        assert "█ running  ░ ready" in "".join(driver.panel("standings"))
        for _ in range(20):
            await pilot.press("pageup")
        assert "turnaround" in "".join(driver.panel("standings"))
        monkeypatch.chdir(tmp_path)
        await pilot.press("W", "enter")
        await driver.settle(pilot)
        assert "turnaround" in next(tmp_path.iterdir()).read_text(encoding="utf-8")


async def test_what_came_of_it_is_made_anew_for_another_width(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.tui.panels.compare._MAX_AGAIN_S", 60)  # on a machine with other work it takes long
    driver = make_driver(scenario(process("long", "cpu 100ms"), process("short", "cpu 10ms"), policy="fcfs"))
    async with driver.app.run_test(size=(140, 24)) as pilot:
        await driver.open(pilot, "5", started())
        panel(driver)._entry.value = "fcfs, sjf"
        await pilot.press("enter")
        await until(lambda: "response" in driver.text, pilot)

        def widest() -> int:
            return max(sum(len(text) for text, _tone in line) for line in panel(driver)._pages._all)

        assert 80 < widest() <= 140
        await pilot.press("down")
        await pilot.resize_terminal(80, 24)
        await until(lambda: widest() <= 80, pilot)
        await driver.settle(pilot)
        assert panel(driver)._pages._top == 1, "where one was reading, one still is"


async def test_one_says_who_takes_part(make_driver: MakeDriver, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from sandbox.policies import Policy\nclass Mine(Policy): pass\n")
    driver = make_driver(jobs())
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("c", *"q: rr", "escape")
        assert driver.app.return_value is None, "what is typed is no key"
        await pilot.press("c", "ctrl+u")
        panel(driver)._entry.value = f"fcfs,rr:quantum=2ms,{path}:Mine"
        await pilot.press("enter")
        await until(lambda: "best of its column" in driver.text, pilot)
        text = "\n".join(driver.panel("standings"))
        assert "rr:quantum=2ms" in text
        assert "mine.py:Mine" in text
        assert "srtf" not in text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("nosuch", "there is no policy nosuch"),
        ("rr:quantum=5", "has no unit"),
        ("mine.py:Mine", "there is no file"),
    ],
)
async def test_who_cannot_take_part_is_told_in_a_sentence(make_driver: MakeDriver, written: str, said: str) -> None:
    driver = make_driver(jobs())
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "5", started())
        panel(driver)._entry.value = written
        await pilot.press("enter")
        await until(lambda: said in driver.text, pilot)


async def test_real_programs_are_refused_in_a_sentence(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("editor", "shell"))
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("enter")
        await driver.settle(pilot)
        assert "This scenario cannot be compared in virtual time." in driver.text
        assert "process editor:" in driver.text
        assert "i tells what this run would have been under another policy" in " ".join(driver.text.split())


LONG = "cpu 100s"


@pytest.mark.parametrize("how", ["escape", "1", "restart", "quit"])
async def test_a_comparison_that_takes_long_shows_how_far_it_is_and_can_be_ended(
    make_driver: MakeDriver, how: str
) -> None:
    driver = make_driver(
        scenario(*(process(f"p-{number}", LONG) for number in range(30)), policy="rr", quantum_ns=1_000_000)
    )
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("enter")
        await until(lambda: "1 of 9: rr   esc cancels" in driver.text, pilot)
        comparison = panel(driver)._comparison
        assert comparison is not None
        os_pid = comparison._process.pid
        assert psutil.pid_exists(os_pid)
        driver.app.run_scenario(jobs()) if how == "restart" else await pilot.press({"quit": "q"}.get(how, how))
        await until(lambda: not psutil.pid_exists(os_pid), pilot) if how != "quit" else None
    assert not psutil.pid_exists(os_pid)


async def test_a_comparison_that_is_killed_says_so(make_driver: MakeDriver) -> None:
    driver = make_driver(
        scenario(*(process(f"p-{number}", LONG) for number in range(30)), policy="rr", quantum_ns=1_000_000)
    )
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("enter")
        await until(lambda: "1 of 9" in driver.text, pilot)
        comparison = panel(driver)._comparison
        assert comparison is not None
        comparison._process.kill()
        await until(lambda: "The comparison ended before it was done." in driver.text, pilot)


async def test_a_key_shows_graphs_and_the_table_again(make_driver: MakeDriver) -> None:
    driver = make_driver(jobs())
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "5", started())
        await pilot.press("g")
        assert "runs this scenario once under each policy" in driver.text, "there is nothing to show yet"
        panel(driver)._entry.value = "rr:quantum=1ms..64ms*2"
        await pilot.press("enter")
        await until(lambda: panel(driver)._outcome is not None, pilot)
        await pilot.press("g")
        await until(lambda: "turnaround.mean by quantum" in driver.text, pilot)
        for _ in range(9):
            await pilot.press("pagedown")
        assert "├ least, ▒ the middle half" in "".join(driver.panel("standings"))
        await pilot.press("g")
        await until(lambda: "rr:quantum=64ms" in driver.text, pilot)
