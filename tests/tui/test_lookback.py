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
from sandbox.tui.app import SandboxApp
from sandbox.tui.state.replay import Replay
from sandbox.util.units import MS, S
from tests.support.app import NOON_NS, FakeLink, Play, Seen, until, wheel, world
from tests.support.kernel_script import Story, shift_change
from tests.support.views import log_of

Stage = Callable[..., Play]
Compare = Callable[..., bool]


def turns() -> Story:
    """Two processes, five decisions: a and b by turns, 50 ms each."""
    story = Story().admit("a", "1s").admit("b", "1s").run("a")
    for name in "abab":
        other = "b" if name == "a" else "a"
        story.later("50ms").expire(name).run(other)
    return story.later("10ms")


def phase(it: Play) -> str:
    return " ".join(it.panel("status")[0].split()[2:6])


async def test_comma_goes_back_and_full_stop_on_and_at_the_end_steps(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = turns().pause()
        await it.tell(pilot, story)
        await pilot.press("comma")
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.200000"
        assert it.panel("running")[0].split()[-1] == "a"
        await pilot.press("comma", "comma")
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.100000"
        assert "b used its whole slice" in it.panel("why")[0]
        await pilot.press(*["comma"] * 5)
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.000000"
        for _ in range(5):
            await pilot.press("full_stop")
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.200000"
        assert it.sent == [], "what is looked at is none of the machine's business"
        await pilot.press("full_stop")
        await it.settle(pilot)
        assert "‖ PAUSED" in it.text
        assert it.sent == []
        await pilot.press("full_stop")
        assert it.sent == [Step()]


async def test_looking_back_pauses_a_machine_that_runs(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = turns()
        await it.tell(pilot, story)
        await pilot.press("comma")
        assert it.sent == [Pause()]
        await it.tell(pilot, story.pause())
        assert "◀ PAST" in it.text
        await pilot.press("comma")
        assert it.sent == [Pause()]
        await pilot.press("space")
        await it.settle(pilot)
        assert it.sent == [Pause(), Resume()]
        assert "◀ PAST" not in it.text


async def test_what_is_asked_of_the_machine_is_seen_in_the_present(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().pause())
        await pilot.press("down", "comma", "k")
        await it.settle(pilot)
        assert it.sent == [Kill("1")]
        assert "‖ PAUSED" in it.text


async def test_start_present_a_time_and_cells(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().pause())
        await pilot.press("home")
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.000000"
        assert "READY 0" in it.text
        await pilot.press("g", *"0.12s", "enter")
        await it.settle(pilot)
        assert phase(it) == "◀ PAST t 0.120000"
        assert "slice ████" in it.text
        assert "20/50 ms" in it.text
        await pilot.press("left")
        await it.settle(pilot)
        cell_ns = it.app.board_screen.timeline.extent.cell_ns
        assert it.app.session.view.now_ns == 120 * MS - cell_ns
        await pilot.press("right", "right")
        assert it.app.session.view.now_ns == 120 * MS + cell_ns
        await pilot.press("end")
        await it.settle(pilot)
        assert "‖ PAUSED" in it.text


async def test_a_time_needs_its_unit(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().pause())
        await pilot.press("g", *"5", "enter")
        await it.settle(pilot)
        await until(lambda: "'5' is no duration; write for example 20ms" in it.text, pilot)


async def test_the_next_change_of_the_chosen_process(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change().pause())
        await pilot.press("down", "down", "down", "home")
        await it.settle(pilot)
        seen = []
        for _ in range(5):
            await pilot.press("e")
            row = it.app.session.view.board.rows[it.app.board_screen.chosen or 0]
            seen.append((row.name, row.state.name))
        assert seen == [("disk", state) for state in ("READY", "RUNNING", "BLOCKED", "READY", "READY")]
        await it.settle(pilot)
        assert it.toasts() == ["disk has not changed since"]


async def test_the_ruler_is_pointed_at_and_dragged(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().pause())
        timeline = it.app.board_screen.timeline
        ruler = timeline.content_size.height
        cell_ns = timeline.extent.cell_ns
        await pilot.mouse_down("#timeline", offset=(2 + 16 + 4, ruler))
        await it.settle(pilot)
        assert it.app.session.view.now_ns == 5 * cell_ns - 1
        await pilot.hover("#timeline", offset=(2 + 16 + 7, ruler))
        assert it.app.session.view.now_ns == 8 * cell_ns - 1
        await pilot.mouse_up("#timeline", offset=(2 + 16 + 7, ruler))
        await pilot.hover("#timeline", offset=(2 + 16 + 9, ruler))
        assert it.app.session.view.now_ns == 8 * cell_ns - 1


async def test_the_wheel_zooms_and_pans(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().later("9s").pause())
        timeline = it.app.board_screen.timeline
        await wheel(pilot, timeline, -1, ctrl=True)
        assert timeline.extent.width_ns == S
        await wheel(pilot, timeline, -1, shift=True)
        await it.settle(pilot)
        before = timeline.extent.from_ns
        await wheel(pilot, timeline, -1, shift=True)
        await it.settle(pilot)
        assert before - timeline.extent.from_ns == pytest.approx(S // 4, abs=2 * timeline.extent.cell_ns)
        await pilot.press("shift+right", "shift+right", "shift+right")
        await it.settle(pilot)
        assert timeline.extent.until_ns >= it.app.session.view.now_ns


async def test_two_marks_and_what_lies_between(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, turns().pause())
        for time in ("50ms", "150ms"):
            await pilot.press("g", *time, "enter")
            await it.settle(pilot)
            await pilot.press("m")
        await it.settle(pilot)
        assert "A 0.050000 s   B 0.150000 s   between: 0.100000 s" in it.text
        ends = [line.split()[-3:] for line in it.panel("timeline") if line.endswith("%")]
        assert ends == [["100", "ms", "100%"], ["50", "ms", "50%"], ["50", "ms", "50%"]]
        await pilot.press("m")
        await it.settle(pilot)
        assert "between" not in it.text


# Recordings


class Projector(Seen):
    """The app over a recording, on a clock that stands still."""

    def __init__(self, path: Path) -> None:
        self.now_ns = NOON_NS
        self.replay = Replay(Recording(str(path)), FakeLink, lambda: self.now_ns)
        self.app = SandboxApp(self.replay)
        self.app.animation_level = "none"

    async def settle(self, pilot: Pilot[int]) -> None:
        await until(lambda: self.replay.is_read, pilot)
        await super().settle(pilot)

    @property
    def status(self) -> str:
        return " ".join(self.panel("status")[0].split()[2:6])


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[list[AnyEvent]], Path]:
    def record(events: list[AnyEvent]) -> Path:
        recorder = Recorder(str(tmp_path / "it"), describe(world("a", "b"), None))
        recorder.take(events)
        recorder.close()
        return tmp_path / "it"

    return record


Recorded = Callable[[list[AnyEvent]], Path]


async def test_a_recording_is_stepped_and_played(recorded: Recorded) -> None:
    it = Projector(recorded(turns().exit("a").take()))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        assert it.status == "‖ REPLAY t 0.000000"
        keys = it.app.board_screen.keys
        assert keys.render_line(0).text.split()[:8] == ["space", "play", ".", "step", ",", "back", "⏎", "inspect"]
        assert not {"policy", "kill", "new", "quantum"} & {*keys.render_line(0).text.split()}
        await pilot.press("full_stop", "full_stop")
        await it.settle(pilot)
        assert it.status == "‖ REPLAY t 0.050000"
        await pilot.press("space")
        it.now_ns += 25 * MS
        await it.settle(pilot)
        assert it.status == "▶ REPLAY t 0.075000"
        await pilot.press("space")
        it.now_ns += S
        await it.settle(pilot)
        assert it.status == "‖ REPLAY t 0.075000"
        await pilot.press("comma")
        await it.settle(pilot)
        assert it.status == "‖ REPLAY t 0.050000"
        await pilot.press("space")
        it.now_ns += S
        await it.settle(pilot)
        assert "REPLAY" not in it.status, "it has come to its end"
        assert it.replay.view.now_ns == 210 * MS
        await pilot.press("full_stop", "k", "n")
        await it.settle(pilot)
        assert not it.replay.plays


async def test_the_lesson_of_a_recording_has_the_figures_of_its_run(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "it"), describe(load(find("start-join")), None))
    story = Story().admit("parent").run("parent").later("30ms").write("parent", "started it\n")
    recorder.take(
        story.block("parent", "wait for child").later("70ms").wake("parent").run("parent").exit("parent").take()
    )
    recorder.close()
    it = Projector(tmp_path / "it")
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        await pilot.press("7", "end")
        await it.settle(pilot)
        await until(lambda: "The child ended" in it.text, pilot)
        assert "30 ms" in it.text
        assert it.replay.lesson.all_done
        assert finished() == frozenset(), "it was not done, it was watched"


async def test_nothing_can_be_asked_of_a_recording(recorded: Recorded) -> None:
    it = Projector(recorded(turns().take()))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("enter")
        await it.settle(pilot)
        said = [notification.message for notification in it.app._notifications]
        assert "This is a recording: what happened has happened" in said


async def test_damage_is_told_and_the_rest_is_shown(recorded: Recorded) -> None:
    path = recorded(turns().take())
    data = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([*data[:6], b"garbage\n", *data[6:-1], data[-1][:9]]))
    it = Projector(path)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        said = [notification.message for notification in it.app._notifications]
        assert said == [
            f"it: line {len(data) + 1} was cut off: its writer was killed, or had no room",
            "it: 1 of its lines cannot be used, the first is line 7: what they said is left out",
            "it: it ends before the machine was down",
        ]


async def test_a_run_is_recorded_from_its_beginning_whenever_one_asks(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = turns()
        events: list[Event] = [*story.events]
        await it.tell(pilot, story)
        path = tmp_path / "r"
        await pilot.press("w", "r", "enter")
        await it.settle(pilot)
        story.pause()
        events += story.events
        await it.tell(pilot, story)
        await pilot.press("w")
        await it.tell(pilot, story.operator("resumed"))
        assert [*Recording(str(path)).events()] == events
        await pilot.press("w", "r", "enter")
        await it.settle(pilot)
        assert any("exists already" in said for said in it.toasts())


async def test_the_board_at_each_decision_is_what_it_was(recorded: Recorded) -> None:
    """Backwards decision by decision, through the same widgets as the present."""
    story = shift_change()
    events = [*story.events]
    it = Projector(recorded(story.take()))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        await pilot.press("end")
        past = log_of(events)
        index = len(events)
        while (index := past.decision_before(index)) > 0:
            await pilot.press("comma")
            moment = past.at(index)
            assert [*it.replay.view.board.ready] == [*moment.board.ready]
            assert it.replay.view.board.running == moment.board.running
            assert it.replay.view.names == moment.names
        assert it.replay.view.live.index == len(events)


# Pictures


def before(it: Play, story: Story, *keys: str) -> Callable[[Pilot[int]], object]:
    async def prepare(pilot: Pilot[int]) -> None:
        await it.tell(pilot, story)
        for key in keys:
            await pilot.press(key)
        await it.settle(pilot)

    return prepare


def test_picture_of_the_past(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    keys = ["plus", "plus", "plus", "comma", "comma", "comma", "down"]
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before(it, shift_change().pause(), *keys))


def test_picture_of_two_marks(stage: Stage, snap_compare: Compare) -> None:
    it = stage()
    keys = ["plus", "plus", "comma", "comma", "m", "comma", "comma", "comma", "m"]
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before(it, shift_change().pause(), *keys))


def test_picture_of_a_replay(recorded: Recorded, snap_compare: Compare) -> None:
    it = Projector(recorded(shift_change().take()))

    async def prepare(pilot: Pilot[int]) -> None:
        await it.settle(pilot)
        await pilot.press("plus", "plus", "full_stop", "full_stop", "full_stop", "space")
        it.now_ns += 4 * MS
        await it.settle(pilot)
        await asyncio.sleep(0)

    assert snap_compare(it.app, terminal_size=(80, 24), run_before=prepare)


def test_picture_of_what_would_have_been(stage: Stage, snap_compare: Compare) -> None:
    it = stage(world("prime", "pi", "disk", "editor", "shell"))
    keys = ["i", "home", "enter"]
    assert snap_compare(it.app, terminal_size=(120, 40), run_before=before(it, shift_change().pause(), *keys))
