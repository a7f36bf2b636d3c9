"""Looking back: one decision at a time, to any time, and in recordings; the machine keeps its pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from sandbox.lessons.course import finished
from sandbox.model.commands import Kill, Pause, Resume, Step
from sandbox.model.events import AnyEvent, Event
from sandbox.scenario import find, load
from sandbox.trace.header import describe
from sandbox.trace.load import Recording
from sandbox.trace.record import Recorder
from sandbox.util.units import MS, S
from tests.support.app import (
    AppDriver,
    Compare,
    MakeDriver,
    ReplayDriver,
    blank_scenario,
    prepare,
    until,
    wheel,
)
from tests.support.files import write_recording
from tests.support.kernel_script import KernelScript, every_state
from tests.support.views import log_of


def turns() -> KernelScript:
    """Two processes, five decisions: a and b by turns, 50 ms each."""
    script = KernelScript().admit("a", "1s").admit("b", "1s").run("a")
    for name in "abab":
        other = "b" if name == "a" else "a"
        script.later("50ms").expire(name).run(other)
    return script.later("10ms")


def phase(driver: AppDriver) -> str:
    return " ".join(driver.panel("status")[0].split()[2:6])


async def test_comma_goes_back_and_full_stop_on_and_at_the_end_steps(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = turns().pause()
        await driver.feed(pilot, script)
        await pilot.press("comma")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.200000"
        assert driver.panel("running")[0].split()[-1] == "a"
        await pilot.press("comma", "comma")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.100000"
        assert "b used its whole slice" in driver.panel("why")[0]
        await pilot.press(*["comma"] * 5)
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.000000"
        for _ in range(5):
            await pilot.press("full_stop")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.200000"
        assert driver.sent == [], "what is looked at is none of the machine's business"
        await pilot.press("full_stop")
        await driver.settle(pilot)
        assert "‖ PAUSED" in driver.text
        assert driver.sent == []
        await pilot.press("full_stop")
        assert driver.sent == [Step()]


async def test_looking_back_pauses_a_machine_that_runs(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = turns()
        await driver.feed(pilot, script)
        await pilot.press("comma")
        assert driver.sent == [Pause()]
        await driver.feed(pilot, script.pause())
        assert "◀ PAST" in driver.text
        await pilot.press("comma")
        assert driver.sent == [Pause()]
        await pilot.press("space")
        await driver.settle(pilot)
        assert driver.sent == [Pause(), Resume()]
        assert "◀ PAST" not in driver.text


async def test_what_is_asked_of_the_machine_is_seen_in_the_present(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        await pilot.press("down", "comma", "k", "enter")
        await driver.settle(pilot)
        assert driver.sent == [Kill("1")]
        assert "‖ PAUSED" in driver.text


async def test_start_present_a_time_and_cells(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        await pilot.press("home")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.000000"
        assert "READY 0" in driver.text
        await pilot.press("g", *"0.12s", "enter")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.120000"
        assert "slice ████" in driver.text
        assert "20/50 ms" in driver.text
        await pilot.press("left")
        await driver.settle(pilot)
        cell_ns = driver.app.board_screen.timeline.extent.cell_ns
        assert driver.app.session.view.now_ns == 120 * MS - cell_ns
        await pilot.press("right", "right")
        assert driver.app.session.view.now_ns == 120 * MS + cell_ns
        await pilot.press("end")
        await driver.settle(pilot)
        assert "‖ PAUSED" in driver.text


async def test_a_time_is_in_seconds_if_it_has_no_unit(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        await pilot.press("g", *"5x", "enter")
        await driver.settle(pilot)
        await until(lambda: "'5x' is no duration; write for example 20ms" in driver.text, pilot)
        await pilot.press("ctrl+u", *"0.12", "enter")
        await driver.settle(pilot)
        assert phase(driver) == "◀ PAST t 0.120000"


async def test_the_next_change_of_the_chosen_process(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state().pause())
        await pilot.press("down", "down", "down", "home")
        await driver.settle(pilot)
        seen = []
        for _ in range(5):
            await pilot.press("e")
            row = driver.app.session.view.board.rows[driver.app.board_screen.chosen or 0]
            seen.append((row.name, row.state.name))
        assert seen == [("disk", state) for state in ("READY", "RUNNING", "BLOCKED", "READY", "READY")]
        await driver.settle(pilot)
        assert driver.toasts() == ["disk has not changed since"]


async def test_the_ruler_is_pointed_at_and_dragged(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        timeline = driver.app.board_screen.timeline
        ruler = timeline.content_size.height
        cell_ns = timeline.extent.cell_ns
        await pilot.mouse_down("#timeline", offset=(2 + 16 + 4, ruler))
        await driver.settle(pilot)
        assert driver.app.session.view.now_ns == 5 * cell_ns - 1
        await pilot.hover("#timeline", offset=(2 + 16 + 7, ruler))
        assert driver.app.session.view.now_ns == 8 * cell_ns - 1
        await pilot.mouse_up("#timeline", offset=(2 + 16 + 7, ruler))
        await pilot.hover("#timeline", offset=(2 + 16 + 9, ruler))
        assert driver.app.session.view.now_ns == 8 * cell_ns - 1


async def test_the_wheel_zooms_and_pans(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().later("9s").pause())
        timeline = driver.app.board_screen.timeline
        await wheel(pilot, timeline, -1, ctrl=True)
        assert timeline.extent.width_ns == S
        await wheel(pilot, timeline, -1, shift=True)
        await driver.settle(pilot)
        before = timeline.extent.from_ns
        await wheel(pilot, timeline, -1, shift=True)
        await driver.settle(pilot)
        assert before - timeline.extent.from_ns == pytest.approx(S // 4, abs=2 * timeline.extent.cell_ns)
        await pilot.press("shift+right", "shift+right", "shift+right")
        await driver.settle(pilot)
        assert timeline.extent.until_ns >= driver.app.session.view.now_ns


async def test_one_key_shows_the_whole_run(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().later("9s").pause())
        extent = driver.app.board_screen.timeline.extent
        await pilot.press("Z")
        await driver.settle(pilot)
        assert (extent.from_ns, extent.width_ns) == (0, 10 * S)


async def test_two_marks_and_what_lies_between(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        for time in ("50ms", "150ms"):
            await pilot.press("g", *time, "enter")
            await driver.settle(pilot)
            await pilot.press("m")
        await driver.settle(pilot)
        assert "A 0.050000 s   B 0.150000 s   between: 0.100000 s" in driver.text
        ends = [line.split()[-3:] for line in driver.panel("timeline") if line.endswith("%")]
        assert ends == [["100", "ms", "100%"], ["50", "ms", "50%"], ["50", "ms", "50%"]]
        await pilot.press("m")
        await driver.settle(pilot)
        assert "between" not in driver.text


# Recordings


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[list[AnyEvent]], Path]:
    def record(events: list[AnyEvent]) -> Path:
        return write_recording(tmp_path / "it", blank_scenario("a", "b"), events)

    return record


Recorded = Callable[[list[AnyEvent]], Path]


async def test_a_recording_is_stepped_and_played(recorded: Recorded) -> None:
    driver = ReplayDriver(recorded(turns().exit("a").take()))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        assert driver.status == "‖ REPLAY t 0.000000"
        keys = driver.app.board_screen.keys
        assert keys.render_line(0).text.split()[:8] == ["space", "play", ".", "step", ",", "back", "<", ">"]
        assert not {"policy", "kill", "new", "quantum"} & {*keys.render_line(0).text.split()}
        await pilot.press("full_stop", "full_stop")
        await driver.settle(pilot)
        assert driver.status == "‖ REPLAY t 0.050000"
        await pilot.press("space")
        driver.now_ns += 25 * MS
        await driver.settle(pilot)
        assert driver.status == "▶ REPLAY t 0.075000"
        await pilot.press("space")
        driver.now_ns += S
        await driver.settle(pilot)
        assert driver.status == "‖ REPLAY t 0.075000"
        await pilot.press("comma")
        await driver.settle(pilot)
        assert driver.status == "‖ REPLAY t 0.050000"
        await pilot.press("space")
        driver.now_ns += S
        await driver.settle(pilot)
        assert "REPLAY" not in driver.status, "it has come to its end"
        assert driver.replay.view.now_ns == 210 * MS
        await pilot.press("full_stop", "k", "n")
        await driver.settle(pilot)
        assert not driver.replay.plays


async def test_the_lesson_of_a_recording_has_the_figures_of_its_run(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "it"), describe(load(find("start-join")), None))
    script = KernelScript().admit("parent").run("parent").later("30ms").write("parent", "started it\n")
    recorder.take(
        script.block("parent", "wait for child").later("70ms").wake("parent").run("parent").exit("parent").take()
    )
    recorder.close()
    driver = ReplayDriver(tmp_path / "it")
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        await pilot.press("7", "end")
        await driver.settle(pilot)
        await until(lambda: "The child ended" in driver.text, pilot)
        assert "30 ms" in driver.text
        assert driver.replay.lesson.all_done
        assert finished() == frozenset(), "it was not done, it was watched"


async def test_nothing_can_be_asked_of_a_recording(recorded: Recorded) -> None:
    driver = ReplayDriver(recorded(turns().take()))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("enter")
        await driver.settle(pilot)
        said = [notification.message for notification in driver.app._notifications]
        assert "This is a recording: what happened has happened" in said


async def test_damage_is_told_and_the_rest_is_shown(recorded: Recorded) -> None:
    path = recorded(turns().take())
    data = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([*data[:6], b"garbage\n", *data[6:-1], data[-1][:9]]))
    driver = ReplayDriver(path)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        said = [notification.message for notification in driver.app._notifications]
        assert said == [
            f"it: line {len(data) + 1} was cut off: its writer was killed, or had no room",
            "it: 1 of its lines cannot be used, the first is line 7: what they said is left out",
            "it: it ends before the end of the run",
        ]


async def test_a_run_is_recorded_from_its_beginning_whenever_one_asks(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = turns()
        events: list[Event] = [*script.events]
        await driver.feed(pilot, script)
        path = tmp_path / "r"
        await pilot.press("w", "r", "enter")
        await driver.settle(pilot)
        script.pause()
        events += script.events
        await driver.feed(pilot, script)
        await pilot.press("w")
        await driver.feed(pilot, script.operator("resumed"))
        assert [*Recording(str(path)).events()] == events
        await pilot.press("w", "r", "enter")
        await driver.settle(pilot)
        assert any("exists already" in said for said in driver.toasts())


async def test_the_board_at_each_decision_is_what_it_was(recorded: Recorded) -> None:
    """Backwards decision by decision, through the same widgets as the present."""
    script = every_state()
    events = [*script.events]
    driver = ReplayDriver(recorded(script.take()))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        await pilot.press("end")
        past = log_of(events)
        index = len(events)
        while (index := past.decision_before(index)) > 0:
            await pilot.press("comma")
            moment = past.at(index)
            assert [*driver.replay.view.board.ready] == [*moment.board.ready]
            assert driver.replay.view.board.running == moment.board.running
            assert driver.replay.view.names == moment.names
        assert driver.replay.view.live.index == len(events)


# Pictures


def test_picture_of_the_past(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    keys = ["plus", "plus", "plus", "comma", "comma", "comma", "down"]
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, every_state().pause(), *keys))


def test_picture_of_two_marks(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    keys = ["plus", "plus", "comma", "comma", "m", "comma", "comma", "comma", "m"]
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, every_state().pause(), *keys))


def test_picture_of_a_replay(recorded: Recorded, snap_compare: Compare) -> None:
    driver = ReplayDriver(recorded(every_state().take()))

    async def prepare(pilot: Pilot[int]) -> None:
        await driver.settle(pilot)
        await pilot.press("plus", "plus", "full_stop", "full_stop", "full_stop", "space")
        driver.now_ns += 4 * MS
        await driver.settle(pilot)
        await asyncio.sleep(0)

    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=prepare)


def test_picture_of_what_would_have_been(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(blank_scenario("prime", "pi", "disk", "editor", "shell"))
    keys = ["i", "home", "enter"]
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=prepare(driver, every_state().pause(), *keys))


# Tempo


async def test_a_recording_is_played_slower_and_faster(recorded: Recorded) -> None:
    driver = ReplayDriver(recorded(turns().exit("a").take()))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        assert "< > tempo" in driver.panel("keys")[0]
        await pilot.press("space", "less_than_sign")
        driver.now_ns += 40 * MS
        await driver.settle(pilot)
        assert driver.status == "▶ REPLAY t 0.020000"
        assert "0.020000 s 0.5x " in driver.panel("status")[0]
        await pilot.press(*["less_than_sign"] * 3)
        driver.now_ns += 100 * MS
        await driver.settle(pilot)
        assert driver.status == "▶ REPLAY t 0.025000", "it goes on from where it was"
        await pilot.press(*["greater_than_sign"] * 4)
        await driver.settle(pilot)
        assert "0.025000 s   " in driver.panel("status")[0]
        await pilot.press("greater_than_sign")
        driver.now_ns += 10 * MS
        await driver.settle(pilot)
        assert driver.status == "▶ REPLAY t 0.045000"
        await pilot.press(*["greater_than_sign"] * 9)
        await driver.settle(pilot)
        assert "fastest" in driver.panel("status")[0]
        await until(lambda: not driver.replay.plays, pilot)
        assert driver.replay.view.now_ns == 210 * MS
        await pilot.press("greater_than_sign")
        await driver.settle(pilot)
        assert driver.toasts()[-1] == "This is as fast as it goes"


async def test_the_past_of_a_run_is_played_from_what_is_looked_at(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, turns().pause())
        await pilot.press("less_than_sign")
        await driver.settle(pilot)
        assert driver.toasts()[0].startswith("Real processes take their own time")
        assert "tempo" not in driver.panel("keys")[0]
        await pilot.press("home", "less_than_sign")
        driver.clock.now_ns += 40 * MS
        await driver.settle(pilot)
        assert "▶ PAST" in driver.panel("status")[0]
        assert "0.020000 s 0.5x" in driver.panel("status")[0]
        assert "space pause" in driver.panel("keys")[0]
        sent = [*driver.sent]
        await pilot.press("space")
        driver.clock.now_ns += S
        await driver.settle(pilot)
        assert "◀ PAST" in driver.panel("status")[0]
        await pilot.press("greater_than_sign")
        driver.clock.now_ns += S
        await driver.settle(pilot)
        assert not driver.app.session.view.looks_back, "it has come to the present, where it ends"
        assert not driver.app.session.moving
        assert driver.sent == sent, "the machine knows nothing of it"
