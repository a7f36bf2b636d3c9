"""The panel of waits: the graph on the screen, what lights up, what keys do, and the list where there is little room."""

from __future__ import annotations

from sandbox.model.events import Deadlocked, Edge, Waits
from tests.support.app import AppDriver, MakeDriver
from tests.support.kernel_script import KernelScript


def said(driver: AppDriver) -> str:
    return "\n".join(driver.panel("wait-map"))


def blocked(*names: str) -> KernelScript:
    script = KernelScript()
    for name in names:
        script.admit(name)
    for name in names:
        script.run(name).later("1ms").block(name, "lock or semaphore")
    return script


def add(script: KernelScript, *events: Waits | Deadlocked) -> KernelScript:
    script.events += events
    return script


async def test_a_wait_lights_up_and_goes_out_and_a_circle_stays_lit(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = blocked("ann", "bob", "eve")
        await driver.open(pilot, "9", script)
        assert "Nobody waits for another process" in said(driver)
        add(script, Waits(script.at, 1, "fork", [2], "said"), Waits(script.at, 3, "log", [1], "seen"))
        await driver.feed(pilot, script)
        assert "(3 B eve)─▐log▌─▶(1 B ann)╌▐fork▌╌▶(2 B bob)" in said(driver)
        await driver.feed(pilot, add(script.later("2s"), Waits(script.at, 2, "noodles", [1], "said")))
        assert "(1 B ann)╌[fork]╌▶(2 B bob)╌▐noodles▌╌╮" in said(driver), "the first has lasted, the last is new"
        edges = [Edge(1, 2, "fork"), Edge(2, 1, "noodles")]
        await driver.feed(pilot, add(script.later("2s"), Deadlocked(script.at, [1, 2, 3], [1, 2], edges)))
        assert "(1 B ann)╍[fork]╍▶(2 B bob)╍[noodles]╍┓" in said(driver)
        assert "▲" in said(driver)
        assert "a knot of 2; 3 wait for others" in driver.text
        assert "deadlock: ann waits for bob: fork" in said(driver)

        await pilot.press("down", "down")  # ann, and what she waits for
        await driver.settle(pilot)
        assert "fork: 2 bob has it, as the programs themselves say; waiting for it: 1 ann" in said(driver)
        await pilot.press("enter")
        assert driver.toasts()[-1].startswith("fork: 2 bob has it")
        await pilot.press("up", "enter")
        await pilot.pause()
        assert driver.app.screen is not driver.app.board_screen, "it leads to the process"
        await pilot.press("escape", "comma")
        await driver.settle(pilot)
        await pilot.press("home")
        await driver.settle(pilot)
        assert "Nobody waits for another process" in said(driver), "so it was at the beginning"


async def test_where_there_is_little_room_there_is_a_line_a_wait(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = blocked("ann", "bob", "eve", "joe")
        add(script, Waits(script.at, 1, "fork", [2], "said"), Waits(script.at, 3, "sem", [], "unknown"))
        add(script, Waits(script.at, 4, "lock", [], "said"), Waits(script.at, 2, "pipe:[7]", [1, 4], "seen", True))
        await driver.open(pilot, "9", script.later("3s"))
        lines = [" ".join(line.split()) for line in driver.panel("wait-map")]
        for line in (
            "(1 B ann) ╌[fork]╌▶ (2 B bob)",
            "(2 B bob) ─[pipe 7 1/2]─▶ (1 B ann) (4 B joe)",
            "(3 B eve) ─[sem]─?",
            "(4 B joe) ╌[lock]╌✘",
        ):
            assert line in lines
