"""The quadrants on the screen: who sits where, and why."""

from __future__ import annotations

import re

from sandbox.tui.config import Config
from tests.support.app import Compare, MakeDriver, prepare
from tests.support.kernel_script import KernelScript


def seven() -> KernelScript:
    """As in the lesson: five wait, one computes, one goes on beside its child; and one waits for the first of two."""
    script = KernelScript(quantum="20ms")
    for name, cause, more in (
        ("input", "read console", {}),
        ("sleep", "sleep", {"for_ns": 600_000_000}),
        ("recv", "recv", {}),
        ("select", "poll", {"on": "socket, socket"}),
    ):
        script.admit(name).run(name).later("5ms").block(name, cause, **more)
    script.admit("eval").run("eval").later("20ms").expire("eval")
    return script.admit("start").run("start").later("4ms").admit("child", runs="start", parent="start").later("6ms")


async def test_everybody_sits_where_he_is_and_it_is_said_why(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = seven()
        await driver.open(pilot, "8", script)
        lines = driver.panel("quadrant-map")
        above = next(index for index, line in enumerate(lines) if "ASYNCHRONOUS" in line)
        upper, lower = "\n".join(lines[:above]), "\n".join(lines[above:])
        assert "SYNCHRONOUS 3 ─ awaits its answer ─" in upper
        for name in ("input", "sleep", "recv", "eval", "child"):
            assert f" {name} " in upper
        assert "4 B select" in lower
        assert "6 ▶ start" in lower
        assert "goes on, child 7" in lower
        assert "choose a process" in lines[-2]
        await pilot.press("down")
        await driver.settle(pilot)
        assert "input waits in one call, read console, and does nothing else" in "\n".join(driver.panel("quadrant-map"))
        await pilot.click("#quadrant-map", offset=(10, above + 2))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 4
        assert "select has asked several" in "\n".join(driver.panel("quadrant-map"))
        for name in ("input", "sleep", "recv", "select"):
            script.exit(name)
        await driver.feed(pilot, script.exit("start").exit("child").exit("eval"))
        assert "nobody lives at this time" in "\n".join(driver.panel("quadrant-map"))


async def test_without_room_for_boxes_there_are_lines(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 15)) as pilot:
        await driver.open(pilot, "8", seven())
        lines = [" ".join(line.split()) for line in driver.panel("quadrant-map")]
        assert lines[:4] == [
            "synchronous, blocking 3 input sleep recv",
            "synchronous, non-blocking 2 eval child",
            "asynchronous, blocking 1 select",
            "asynchronous, non-blocking 1 start",
        ]
        await pilot.click("#quadrant-map", offset=(43, 1))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 2, "a name can be clicked there, too"


async def test_names_go_on_in_the_next_line_and_who_has_no_room_is_counted(make_driver: MakeDriver) -> None:
    driver, script = make_driver(), KernelScript()
    for number in range(1, 41):
        script.admit(f"worker-{number}")
    async with driver.app.run_test(size=(80, 17)) as pilot:
        await driver.open(pilot, "8", script.run("worker-1").later("1ms"))
        text = "\n".join(driver.panel("quadrant-map"))
        shown = len(set(re.findall(r"worker-\d+", text)))
        assert "worker-5" in text, "not only one line"
        assert f"… {40 - shown} more" in text
        await pilot.resize_terminal(80, 15)
        await driver.settle(pilot)
        assert "more" in "\n".join(driver.panel("quadrant-map"))


def test_quadrants(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(config=Config("light"))
    before = prepare(driver, seven(), "8", *["down"] * 6, sees="has started child 7")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)
