"""The diagram of states: who is where, what each arrow counts, which one is lit; of all, of one, and of the past."""

from __future__ import annotations

from itertools import pairwise, product

from textual.geometry import Region

from sandbox.model.states import LEGAL, State
from sandbox.tui.config import Config
from sandbox.tui.panels.states.layout import MIN_HEIGHT, MIN_WIDTH, TOLD_BESIDE, layout
from sandbox.tui.widgets.canvas import _cells
from tests.support.app import AppDriver, Compare, MakeDriver, prepare
from tests.support.kernel_script import KernelScript, every_state, long_run


def said(driver: AppDriver) -> str:
    return "\n".join(driver.panel("state-map"))


async def test_every_arrow_is_counted_and_the_last_one_is_lit(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = every_state()
        await driver.open(pilot, "7", script)
        for label in ("admitted 5", "dispatched 8", "slice used up 4", "waits 2", "wakes up 1", "exits 1", "killed 0"):
            assert label in said(driver), label
        for title in ("NEW", "READY 2", "RUNNING 1", "BLOCKED 1", "DONE 1", "4 B editor", "read console", "5 ✘ shell"):
            assert title in said(driver), title
        assert "━━▶│" in said(driver), "the last arrow was a dispatch"
        assert "┃" not in said(driver)
        await driver.feed(pilot, script.wake("editor"))
        assert "┃ wakes up 2" in said(driver)
        assert "━━▶│" not in said(driver)

        await pilot.press("v")
        assert driver.toasts() == ["Choose a process first"]
        await pilot.press("down", "down", "down", "v")  # disk
        await driver.settle(pilot)
        assert "STATES of disk" in driver.text
        for label in ("admitted 1", "dispatched 1", "slice used up 0", "waits 1", "┃ wakes up 1", "exits 0"):
            assert label in said(driver), label
        assert "disk: READY, first in the queue" in said(driver)
        assert "dispatched last at 100 ms: it is the head of the ready queue" in said(driver)

        await pilot.click("#state-map", offset=(55, 7))  # who runs
        await driver.settle(pilot)
        assert "STATES of prime" in driver.text
        await pilot.press("v", "home")
        await driver.settle(pilot)
        assert "STATES of all" in driver.text
        assert "admitted 0" in said(driver), "nothing had happened then"
        await pilot.press("full_stop")
        await driver.settle(pilot)
        assert "dispatched 1" in said(driver)
        assert "admitted 5" in said(driver)


async def test_a_pause_is_no_arrow_and_a_kill_is_told_from_an_exit(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript("fcfs", None).admit("a").admit("b").run("a").later("5ms").pause()
        await driver.feed(pilot, script)
        await pilot.press("7", "down")
        await driver.settle(pilot)
        assert "RUNNING 1" in said(driver)
        assert "READY 1" in said(driver)
        assert "1 ‖ a" in said(driver)
        assert "it was RUNNING when the machine paused" in said(driver)
        script.operator("resumed").run("a").later("5ms").exit("b", None, 9).block("a", "accept").later("5ms").exit(
            "a", None, 15
        )
        await driver.feed(pilot, script)
        assert "dispatched 1" in said(driver)
        assert "slice used up 0" in said(driver)
        assert said(driver).count("killed 1") == 2
        assert "exits 0" in said(driver)


async def test_where_there_is_no_room_for_a_picture_there_are_lines(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(60, 18)) as pilot:
        await driver.open(pilot, "7", every_state())
        assert "▶ READY → RUNNING     dispatched 8" in said(driver)
        assert "  RUNNING → READY     slice used up 4" in said(driver)


def test_boxes_arrows_and_labels_keep_clear_of_each_other() -> None:
    for width, height, stops in product(range(MIN_WIDTH, 200, 7), range(MIN_HEIGHT + 3, 60, 3), (False, True)):
        plan = layout(width, height, stops)
        assert plan is not None
        legal = {(state, other) for state, others in LEGAL.items() for other in others} - TOLD_BESIDE.keys()
        assert set(plan.arrows) == {ends for ends in legal if stops or State.STOPPED not in ends}
        screen = Region(0, 0, width, height)
        for state, box in plan.boxes.items():
            assert screen.contains_region(box), (width, height, state)
            assert box.height >= 3
        assert not any(a.overlaps(b) for a, b in pairwise(sorted(plan.boxes.values())))
        lines = {ends: set(_cells(corners)) for ends, corners in plan.arrows.items()}
        for ends, corners in plan.arrows.items():
            beside = [box for box in plan.boxes.values() if any(box.contains(*cell) for cell in lines[ends])]
            assert not beside, (width, height, ends, "runs through a box")
            source, target = (plan.boxes[state].grow((1, 1, 1, 1)) for state in ends)
            assert source.contains(*corners[0])
            assert target.contains(*corners[-1])
            label = plan.labels[ends]
            place = Region(*label.at, label.width, label.lines)
            assert screen.contains_region(place)
            assert label.width >= 10
            assert not any(box.overlaps(place) for box in plan.boxes.values()), (width, height, ends)
            assert not any(place.contains(*cell) for cells in lines.values() for cell in cells), (width, height, ends)
        crossings = sum(map(len, lines.values())) - len(set().union(*lines.values()))
        assert crossings == stops, "two arrows cross, but for the way to STOPPED"
    assert layout(MIN_WIDTH - 1, 40) is None
    assert layout(200, MIN_HEIGHT - 1) is None


def test_states(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    before = prepare(driver, long_run().pause(), "7", "down", "down", "down", "v", sees="STATES of disk")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)


def test_states_small(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(config=Config("light"))
    before = prepare(driver, long_run(), "7", "up", "up", sees="STATES of all")
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=before)
