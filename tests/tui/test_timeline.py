"""The timeline's cells, exactly: what a reader may conclude from a lane is true."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

import pytest

from sandbox.render.gantt_cells import (
    MANY,
    UP_TO,
    WAITS,
    WAITS_FOR_CPU,
    Lane,
    Share,
    Sign,
    cpu_cells,
    family_cells,
    life_cells,
)
from sandbox.tui.palette import PLAIN
from sandbox.tui.widgets.chart import Chart
from sandbox.tui.widgets.extent import Extent
from sandbox.util.units import MS, S
from sandbox.views.intervals import BLOCKED, GONE, NOBODY, ON_CPU, READY, Track
from tests.support.app import MakeDriver, wheel
from tests.support.kernel_script import KernelScript

#: One cell is eight units, so that an eighth of it is one.
CELL = 8


Spans = list[tuple[int, int, int | None]]


def life(*stretches: tuple[int, int, int | None]) -> Track:
    """Stretches: where, from when, until when."""
    track = Track()
    for where, start, _ in stretches:
        track.put(start, where)
    if stretches[-1][2] is not None:
        track.put(stretches[-1][2], GONE)
    return track


def turns(*spans: tuple[int, int, int | None]) -> Track:
    """Turns: whose, from when, until when."""
    track = Track()
    for pid, start, end in spans:
        track.put_in_passing(start, pid)
        if end is not None:
            track.put_in_passing(end, NOBODY)
    return track


def drawn(track: Track, count: int, now: int, first: int = 0) -> str:
    return "".join(sign.text for sign in life_cells(track, CELL, first * CELL, count, now))


RUNNING = ON_CPU


@pytest.mark.parametrize(
    ("stretches", "lane"),
    [
        ([(RUNNING, 0, 24)], "███   "),
        ([(READY, 0, 16), (BLOCKED, 16, 32)], "▸░··  "),
        ([(RUNNING, 0, 12), (READY, 12, 24)], "█▌░   "),  # up to the middle of a cell
        ([(READY, 0, 12), (RUNNING, 12, 24)], "▸▐█   "),  # from the middle on
        ([(READY, 0, 8), (RUNNING, 8, 9), (BLOCKED, 9, 24)], "▸▏·   "),  # ever so short, it is seen
        ([(RUNNING, 3, 6), (READY, 6, 16)], "▍░    "),  # in the middle: as much, at the left
        ([(RUNNING, 0, 2), (READY, 2, 4), (RUNNING, 4, 6), (READY, 6, 8)], "▌     "),  # twice: the sum
        ([(READY, 6, 10), (BLOCKED, 10, 16)], "▸·    "),  # where it was at the end of a cell
        ([(READY, 40, 44)], "     ▸"),  # nothing before it was born
        ([(BLOCKED, 0, 10), (READY, 10, 24), (RUNNING, 24, 32)], "·↑░█  "),  # it woke
        ([(RUNNING, 0, 8), (READY, 8, 24)], "█░░   "),  # it lost the CPU: no mark for that
    ],
)
def test_a_life(stretches: Spans, lane: str) -> None:
    assert drawn(life(*stretches), 6, 48) == lane


def test_what_lasts_goes_up_to_now() -> None:
    assert drawn(life((READY, 0, 8), (RUNNING, 8, None)), 4, 20) == "▸█▌ "
    assert drawn(life((BLOCKED, 0, None)), 4, 20) == "··· "


def test_lanes_may_begin_anywhere() -> None:
    stretches = life((READY, 0, 12), (RUNNING, 12, 24))
    assert drawn(stretches, 2, 24, first=1) == "▐█"


@pytest.mark.parametrize(
    ("stretches", "tones"),
    [
        ([(RUNNING, 0, 4), (READY, 4, 8)], ["ran_while_ready"]),
        ([(RUNNING, 0, 4), (BLOCKED, 4, 8)], ["running"]),
        ([(READY, 0, 4), (RUNNING, 4, 8)], ["ran_while_ready"]),
        ([(BLOCKED, 0, 4), (RUNNING, 4, 8)], ["running"]),
        ([(READY, 0, 2), (RUNNING, 2, 4)], ["running"]),  # it ended: nothing stands beside it
        ([(RUNNING, 0, 8)], ["running"]),
    ],
)
def test_what_stands_beside_a_part_of_a_cell(stretches: Spans, tones: list[str]) -> None:
    assert [sign.tone for sign in life_cells(life(*stretches), CELL, 0, 1, 8)] == tones


@pytest.mark.parametrize(
    ("lives", "lane", "tones"),
    [
        ([[(RUNNING, 0, 4)], [(RUNNING, 4, 6), (BLOCKED, 6, None)]], "▊··", "RBB"),  # the sum, wherever it was
        ([[(RUNNING, 0, 8), (BLOCKED, 8, 24)], [(READY, 0, None)]], "█░░", "rWW"),  # one runs while another waits
        ([[(BLOCKED, 0, 16)], [(READY, 9, 12), (BLOCKED, 12, 15)]], "·· ", "BB "),  # where all are at a cell's end
        ([[(RUNNING, 0, 8)], [(RUNNING, 0, 8)]], "█  ", "R  "),  # on two CPUs
        ([], "   ", "   "),
    ],
)  # fmt: skip
def test_a_family_in_one_lane(lives: list[Spans], lane: str, tones: str) -> None:
    names = {"R": "running", "r": "ran_while_ready", "W": "ready", "B": "blocked", " ": "text"}
    cells = family_cells([life(*stretches) for stretches in lives], CELL, 0, 3, 24)
    assert ["".join(sign.text for sign in cells), [sign.tone for sign in cells]] == [lane, [names[t] for t in tones]]


def test_a_family_is_the_sum_of_its_members_at_any_scale() -> None:
    chance = random.Random(5)
    for _ in range(100):
        tracks = [wandering(chance) for _ in range(chance.choice([1, 3, 9]))]
        cell_ns, from_ns, now_ns = chance.choice([1, 7, 50]), chance.choice([0, 13, 900]), chance.choice([600, 2_500])
        expected = []
        for at_ns in range(from_ns, from_ns + 40 * cell_ns, cell_ns):
            end_ns = max(min(at_ns + cell_ns, now_ns), at_ns)
            ran_ns = sum(track.used_ns(end_ns) - track.used_ns(at_ns) for track in tracks)
            ends = [track.values[track.before(end_ns)] for track in tracks if track.before(end_ns) >= 0]
            waits = {READY: WAITS_FOR_CPU, BLOCKED: WAITS}.get(
                max([each for each in ends if each <= READY], default=GONE)
            )
            if end_ns == at_ns:
                expected.append(Sign(" ", "text"))
            elif ran_ns:
                eighths = max(min(round(ran_ns * 8 / cell_ns), 8), 1)
                expected.append(Sign(UP_TO[eighths], "ran_while_ready" if waits is WAITS_FOR_CPU else "running"))
            else:
                expected.append(waits or Sign(" ", "text"))
        assert family_cells(tracks, cell_ns, from_ns, 40, now_ns) == expected


def wandering(chance: random.Random) -> Track:
    """A process that changes its state now and then, and ends or not."""
    track, at = Track(), chance.randrange(900)
    for _ in range(chance.choice([1, 5, 60])):
        track.put(at, chance.choice([BLOCKED, READY, RUNNING]))
        at += chance.randrange(1, 30)
    if chance.random() < 0.5:
        track.put(at, GONE)
    return track


@pytest.mark.parametrize(
    ("spans", "cells"),
    [
        ([(1, 0, 16)], [Share(1, 1), Share(1, 1)]),
        ([(1, 0, 11), (2, 11, 16)], [Share(1, 1), Share(1, 2, 3)]),
        ([(1, 0, 8)], [Share(1, 1), Share(NOBODY, NOBODY)]),
        ([(1, 0, 3)], [Share(1, NOBODY, 3), Share(NOBODY, NOBODY)]),
        ([(1, 5, 16)], [Share(NOBODY, 1, 5), Share(1, 1)]),
        ([(1, 0, 3), (2, 3, 5), (3, 5, 16)], [Share(1, 3, 3), Share(3, 3)]),  # of three, the shortest gives way
        ([(1, 0, 3), (2, 3, 5), (1, 5, 16)], [Share(1, 1), Share(1, 1)]),
        ([(1, 0, 3), (1, 3, 6), (1, 6, 16)], [Share(1, 1), Share(1, 1)]),  # the same again is no change
        ([(pid + 1, pid, pid + 1) for pid in range(8)], [Share(MANY, MANY), Share(NOBODY, NOBODY)]),
    ],
)
def test_a_cpu(spans: Spans, cells: list[Share]) -> None:
    assert cpu_cells(turns(*spans), CELL, 0, 2, 16) == cells


def test_gaps_that_nobody_could_see_are_none() -> None:
    cell = 8_000
    spans = turns((1, 0, 9_990), (2, 10_010, 16_000))
    assert cpu_cells(spans, cell, 0, 2, 16_000) == [Share(1, 1), Share(1, 2, 2)]


def test_the_past_is_drawn_once_and_the_present_anew() -> None:
    asked: list[int] = []

    def draw(track: Track, cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Any]:
        asked.append(count)
        return life_cells(track, cell_ns, from_ns, count, now_ns)

    lane = Lane(CELL, draw)
    stretches = life((READY, 0, 20), (RUNNING, 20, None))
    before = lane.cells(stretches, 0, 10, now_ns=24, sure_ns=22)
    stretches.put(30, READY)
    after = lane.cells(stretches, 0, 10, now_ns=40, sure_ns=40)
    assert asked == [10, 8], "two cells were sure"
    assert "".join(sign.text for sign in before) == "▸░▐       "
    assert after == life_cells(stretches, CELL, 0, 10, 40)
    assert lane.cells(stretches, 3, 10, 48, 48) == life_cells(stretches, CELL, 24, 10, 48)
    assert asked[2] == 8, "it moved on, and knew two of its cells"
    assert lane.cells(stretches, 0, 10, 48, 48) == life_cells(stretches, CELL, 0, 10, 48), "and back"


def test_however_it_is_asked_the_answer_is_the_same() -> None:
    """The memory of what is past never shows."""
    spans: Spans = []
    at = 0
    for number in range(60):
        length = 1 + number * 7 % 13
        spans.append(((READY, RUNNING, BLOCKED)[number % 3], at, at + length))
        at += length
    lane: Lane[Track, Sign] = Lane(CELL, life_cells)
    for now in range(1, at, 5):
        seen = life(
            *(
                (state, start, end if end is not None and end <= now else None)
                for state, start, end in spans
                if start < now
            )
        )
        first = max(now // CELL + 1 - 12, 0)
        assert lane.cells(seen, first, 12, now, now) == life_cells(seen, CELL, first * CELL, 12, now)


async def test_the_ruler_stands_below_the_cells(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "3s").run("a").later("500ms").block("a").later("2s").wake("a").run("a")
        await driver.feed(pilot, script.later("100ms"))
        lane, ruler = driver.panel("timeline")[2], driver.panel("timeline")[-1]
        cells = driver.app.board_screen.query_one("#timeline").content_size.width - 16
        cell_ns = 2_000_000_000 // cells
        now = 2_600_000_000 // cell_ns
        for second in (1, 2):
            at = ruler.index(f"╵{second} s")
            assert at == 16 + second * 1_000_000_000 // cell_ns - (now + 1 - cells)
        assert "█" in lane
        assert lane[16] == "·"
        assert lane.rstrip()[-1] in "▏▎▍▌▋▊▉█"


async def test_what_is_past_stands_still(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "9s").admit("b", "9s")
        for number in range(120):
            name = "ab"[number % 2]
            script.run(name).later("30ms").expire(name)
        await driver.feed(pilot, script.run("a"))
        before = driver.panel("timeline")[2]
        driver.clock.now_ns += 3 * 2_000_000_000 // (driver.app.board_screen.timeline.content_size.width - 16)
        await driver.settle(pilot)
        after = driver.panel("timeline")[2]
        assert before[16 + 3 :][:-1] == after[16:][:-4], "it moved to the left by three cells, as it was"


async def test_pids_stand_in_the_blocks_that_have_room_and_hues_lead_to_the_names(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "9s").admit("b", "9s")
        script.run("a").later("200ms").expire("a").run("b").later("25ms").expire("b").run("a").later("200ms")
        await driver.feed(pilot, script)
        assert [word for word in driver.panel("timeline")[0].split() if word.isdecimal()] == ["1", "1"]
        timeline = driver.app.board_screen.timeline
        block = next(segment for segment in timeline.render_line(0) if segment.text.strip() == "1")
        name = next(segment for segment in timeline.render_line(2) if segment.text.strip() == "1")
        assert block.style is not None
        assert name.style is not None
        assert block.style.bgcolor == name.style.bgcolor != timeline.palette.text.bgcolor


async def test_of_many_processes_none_has_a_hue(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        for number in range(40):
            script.admit(f"p-{number}")
        await driver.feed(pilot, script.run("p-0").later("300ms"))
        timeline = driver.app.board_screen.timeline
        fills = {segment.style.bgcolor for segment in timeline.render_line(0) if segment.style is not None}
        assert fills == {timeline.palette.text.bgcolor, timeline.palette.many.bgcolor}


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_of_fifty_processes_each_can_be_scrolled_to(make_driver: MakeDriver, size: tuple[int, int]) -> None:
    driver = make_driver()
    names = [f"process-{number}" for number in range(50)]
    async with driver.app.run_test(size=size) as pilot:
        script = KernelScript()
        for name in names:
            script.admit(name)
        for name in names:
            script.run(name).later("20ms").block(name)
        await driver.feed(pilot, script)
        timeline = driver.app.board_screen.timeline
        timeline.extent.marks[:] = [0, S]
        seen: dict[int, str] = {}
        for _ in names:
            timeline.update_lines()
            await pilot.pause()
            lines = driver.panel("timeline")
            seen |= {pid: line for pid, line in zip(timeline._keys, lines, strict=True) if pid is not None}
            assert lines[-1].split() == ["A", "╵500", "ms", "B", "╵1.5", "s"], "the ruler stays"
            await wheel(pilot, timeline, 1)
        for pid, name in enumerate(names, start=1):
            lane = seen[pid][16:].removesuffix("20 ms   2%")
            assert seen[pid][:16].split() == [str(pid), name]
            assert seen[pid] == seen[pid][:16] + lane + "20 ms   2%"
            assert set(lane) <= {*"▸░▕▐█▏▎▍▌▋▊▉· "}
            assert lane.endswith("  "), "there is room before the total"


async def test_without_colours_characters_tell_the_states(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = (
            KernelScript()
            .admit("a")
            .run("a")
            .later("400ms")
            .block("a")
            .later("300ms")
            .admit("b")
            .later("99ms")
            .run("b")
        )
        script.later("300ms").expire("b").wake("a").later("200ms").run("b").later("200ms").block("b").run("a").later(
            "100ms"
        )
        await driver.feed(pilot, script)
        lanes = [line[16:].rstrip() for line in driver.panel("timeline") if line[5:7] in ("a ", "b ")]
        assert ["".join(sign for sign, _ in groupby(lane)) for lane in lanes] == ["█▍·↑░▐█▋", " ▸░▕█▏░█▌·"]
        assert "█ running  ░ ready  · blocked  ▸ arrives  ↑ wakes" in driver.text


@pytest.mark.parametrize(
    ("marks", "ruler"),
    [
        ((), "╵0 s           ╵    ▲0.689000 s              ╵1.5 s"),
        ((689,), "╵0 s           ╵    A0.689000 s              ╵1.5 s"),
        ((689, 735), "╵0 s      0.689000 sA B       ╵1 s           ╵1.5 s"),
        ((600, 689), "╵0 s           ╵  A B0.689000 s              ╵1.5 s"),
        ((600, 735), "╵0 s           ╵  A ▲ B       ╵1 s           ╵1.5 s"),
    ],
)
def test_on_the_ruler_nothing_lies_over_anything_else(marks: tuple[int, ...], ruler: str) -> None:
    extent = Extent()
    extent.fit(60, 1_500 * MS, None)
    extent.marks = [mark * MS for mark in marks]
    chart = Chart(extent, PLAIN, 689 * MS, hued=False)
    assert chart.ruler()[0].rstrip() == ruler
