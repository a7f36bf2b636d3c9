"""The quadrants on the screen: who sits where, and why."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.tui.config import Config
from tests.support.app import Play, Story
from tests.tui.test_snapshots import show

Stage = Callable[..., Play]
Compare = Callable[..., bool]


def seven() -> Story:
    """As in the lesson: five wait, one computes, one goes on beside its child; and one waits for the first of two."""
    story = Story(quantum="20ms")
    for name, cause, more in (
        ("input", "read console", {}),
        ("sleep", "sleep", {"for_ns": 600_000_000}),
        ("recv", "recv", {}),
        ("select", "poll", {"on": "socket, socket"}),
    ):
        story.admit(name).run(name).later("5ms").block(name, cause, **more)
    story.admit("eval").run("eval").later("20ms").expire("eval")
    return story.admit("start").run("start").later("4ms").admit("child", runs="start", parent="start").later("6ms")


async def test_everybody_sits_where_he_is_and_it_is_said_why(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(80, 24)) as pilot:
        story = seven()
        await it.open(pilot, "8", story)
        lines = it.panel("quadrant-map")
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
        await it.settle(pilot)
        assert "input waits in one call, read console, and does nothing else" in "\n".join(it.panel("quadrant-map"))
        await pilot.click("#quadrant-map", offset=(10, above + 2))
        await it.settle(pilot)
        assert it.app.board_screen.chosen == 4
        assert "select has asked several" in "\n".join(it.panel("quadrant-map"))
        for name in ("input", "sleep", "recv", "select"):
            story.exit(name)
        await it.tell(pilot, story.exit("start").exit("child").exit("eval"))
        assert "nobody lives at this time" in "\n".join(it.panel("quadrant-map"))


async def test_without_room_for_boxes_there_are_lines(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(80, 15)) as pilot:
        await it.open(pilot, "8", seven())
        lines = [" ".join(line.split()) for line in it.panel("quadrant-map")]
        assert lines[:4] == [
            "synchronous, blocking 3 input, sleep, recv",
            "synchronous, non-blocking 2 eval, child",
            "asynchronous, blocking 1 select",
            "asynchronous, non-blocking 1 start",
        ]


def test_quadrants(stage: Stage, snap_compare: Compare) -> None:
    it = stage(config=Config("light"))
    before = show(it, seven(), "8", *["down"] * 6, sees="has started child 7")
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before)
