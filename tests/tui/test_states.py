"""The diagram of states: who is where, what each arrow counts, which one is lit; of all, of one, and of the past."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

from textual.geometry import Region

from sandbox.model.states import LEGAL
from sandbox.tui.config import Config
from sandbox.tui.panels.states.layout import ADMITTED_WAITING, MIN_HEIGHT, MIN_WIDTH, layout
from sandbox.tui.widgets.canvas import _cells
from tests.support.app import Play, show
from tests.support.kernel_script import Story, shift_change, working_day

Stage = Callable[..., Play]
Compare = Callable[..., bool]


def said(it: Play) -> str:
    return "\n".join(it.panel("state-map"))


async def test_every_arrow_is_counted_and_the_last_one_is_lit(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(80, 24)) as pilot:
        story = shift_change()
        await it.open(pilot, "7", story)
        for label in ("admitted 5", "dispatched 8", "slice used up 4", "waits 2", "wakes up 1", "exits 1", "killed 0"):
            assert label in said(it), label
        for title in ("NEW", "READY 2", "RUNNING 1", "BLOCKED 1", "DONE 1", "4 B editor", "read console", "5 ✘ shell"):
            assert title in said(it), title
        assert "━━▶│" in said(it), "the last arrow was a dispatch"
        assert "┃" not in said(it)
        await it.tell(pilot, story.wake("editor"))
        assert "┃ wakes up 2" in said(it)
        assert "━━▶│" not in said(it)

        await pilot.press("v")
        assert it.toasts() == ["Choose a process first"]
        await pilot.press("down", "down", "down", "v")  # disk
        await it.settle(pilot)
        assert "STATES of disk" in it.text
        for label in ("admitted 1", "dispatched 1", "slice used up 0", "waits 1", "┃ wakes up 1", "exits 0"):
            assert label in said(it), label
        assert "disk: READY, first in the queue" in said(it)
        assert "dispatched last at 100 ms: it is the head of the ready queue" in said(it)

        await pilot.click("#state-map", offset=(55, 7))  # who runs
        await it.settle(pilot)
        assert "STATES of prime" in it.text
        await pilot.press("v", "home")
        await it.settle(pilot)
        assert "STATES of all" in it.text
        assert "admitted 0" in said(it), "nothing had happened then"
        await pilot.press("full_stop")
        await it.settle(pilot)
        assert "dispatched 1" in said(it)
        assert "admitted 5" in said(it)


async def test_a_pause_is_no_arrow_and_a_kill_is_told_from_an_exit(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story("fcfs", None).admit("a").admit("b").run("a").later("5ms").pause()
        await it.tell(pilot, story)
        await pilot.press("7", "down")
        await it.settle(pilot)
        assert "RUNNING 1" in said(it)
        assert "READY 1" in said(it)
        assert "1 ‖ a" in said(it)
        assert "it was RUNNING when the machine paused" in said(it)
        story.operator("resumed").run("a").later("5ms").exit("b", None, 9).block("a", "accept").later("5ms").exit(
            "a", None, 15
        )
        await it.tell(pilot, story)
        assert "dispatched 1" in said(it)
        assert "slice used up 0" in said(it)
        assert said(it).count("killed 1") == 2
        assert "exits 0" in said(it)


async def test_where_there_is_no_room_for_a_picture_there_are_lines(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(60, 18)) as pilot:
        await it.open(pilot, "7", shift_change())
        assert "▶ READY → RUNNING     dispatched 8" in said(it)
        assert "  RUNNING → READY     slice used up 4" in said(it)


def test_boxes_arrows_and_labels_keep_clear_of_each_other() -> None:
    for width, height in product(range(MIN_WIDTH, 200, 7), range(MIN_HEIGHT, 60, 3)):
        plan = layout(width, height)
        assert plan is not None
        legal = {(state, other) for state, others in LEGAL.items() for other in others}
        assert set(plan.arrows) == legal - {ADMITTED_WAITING}
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
        assert sum(map(len, lines.values())) == len(set().union(*lines.values())), "two arrows cross"
    assert layout(MIN_WIDTH - 1, 40) is None
    assert layout(200, MIN_HEIGHT - 1) is None


def test_states(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    before = show(it, working_day().pause(), "7", "down", "down", "down", "v", sees="STATES of disk")
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)


def test_states_small(stage: Stage, snap_compare: Compare) -> None:
    it = stage(config=Config("light"))
    before = show(it, working_day(), "7", "up", "up", sees="STATES of all")
    assert snap_compare(it.app, terminal_size=(80, 24), run_before=before)
