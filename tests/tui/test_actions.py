"""What the keys do: every action of the list asks the kernel process for the right thing, or changes the view."""

from __future__ import annotations

import signal
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
from textual.actions import parse

from sandbox.model.commands import Kill, Pause, Resume, Spawn, Step, Tune, UsePolicy
from sandbox.model.spec import Scenario
from sandbox.tui.app import SandboxApp
from sandbox.tui.config import Config
from sandbox.tui.keys import ACTIONS, PANELS, Action
from sandbox.tui.panels import make
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.screens.help import Help
from sandbox.tui.screens.inspect import Inspect
from sandbox.tui.widgets.entry import EntryLine, TypingLine
from sandbox.tui.widgets.question import QuestionBox
from tests.support.app import Play, until, wheel, world
from tests.support.kernel_script import Story, shift_change

Stage = Callable[..., Play]


def three() -> Story:
    """Three processes, the first of which runs."""
    return Story().admit("a", "1s").admit("b", "1s").admit("c", "1s").run("a").later("10ms")


# The machine


async def test_space_pauses_and_goes_on(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = three()
        await it.tell(pilot, story)
        await pilot.press("space")
        assert it.sent == [Pause()]
        await it.tell(pilot, story.pause())
        await pilot.press("space")
        assert it.sent == [Pause(), Resume()]


async def test_a_full_stop_steps_whether_it_runs_or_not(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = three()
        await it.tell(pilot, story)
        await pilot.press("full_stop")
        await it.tell(pilot, story.pause())
        await pilot.press("full_stop")
        assert it.sent == [Step(), Step()]


async def test_a_step_shows_the_decision_before_it_takes_effect(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = three().pause()
        await it.tell(pilot, story)
        story.operator("stepped").run("a").later("40ms").expire("a").run("b").operator("paused", by="step")
        await it.tell(pilot, story)
        assert "‖ PAUSED" in it.panel("status")[0]
        assert it.panel("running")[0].split() == ["cpu0", "2", "▶", "b"]
        assert "a used its whole slice and goes to the tail. rr chooses b" in it.panel("why")[0]


@pytest.mark.parametrize(
    ("key", "quantum", "asked"),
    [
        ("right_square_bracket", "50ms", "100ms"),
        ("left_square_bracket", "50ms", "20ms"),
        ("right_square_bracket", "30ms", "50ms"),  # to the next step, from between two
        ("left_square_bracket", "30ms", "20ms"),
        ("left_square_bracket", "10s", "2s"),
        ("right_square_bracket", "250us", "1ms"),
    ],
)
async def test_the_brackets_change_the_quantum(stage: Stage, key: str, quantum: str, asked: str) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story(quantum=quantum).admit("a").run("a"))
        await pilot.press(key)
        assert it.sent == [Tune("quantum", asked)]


async def test_two_quick_keys_are_two_steps(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story(quantum="50ms").admit("a").run("a")
        await it.tell(pilot, story)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert it.sent == [Tune("quantum", "20ms"), Tune("quantum", "10ms")]
        await it.tell(pilot, story.schedule("rr", quantum_ns=10_000_000))
        await pilot.press("right_square_bracket")
        assert it.sent[2:] == [Tune("quantum", "20ms")]


@pytest.mark.parametrize(
    ("key", "quantum", "said"),
    [
        ("right_square_bracket", "2s", "Longer than 2 s makes no sense here"),
        ("left_square_bracket", "1ms", "Shorter than 1 ms makes no sense here"),
        ("left_square_bracket", None, "fcfs has no quantum to change"),
    ],
)
async def test_the_quantum_has_its_limits(stage: Stage, key: str, quantum: str | None, said: str) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story("rr" if quantum else "fcfs", quantum).admit("a").run("a"))
        await pilot.press(key)
        assert (it.sent, it.toasts()) == ([], [said])


async def test_k_ends_the_chosen_process(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = three()
        await it.tell(pilot, story)
        await pilot.press("k")
        assert (it.sent, it.toasts()) == ([], ["Choose a process first: ↑ ↓, or click one"])
        await pilot.press("down", "down", "k")
        assert it.sent == [Kill("2")]
        await it.tell(pilot, story.exit("b", None, signal.SIGTERM))
        await pilot.press("k")
        assert it.sent == [Kill("2")]
        assert it.toasts()[-1] == "b has ended already"
        assert "TERM" in it.panel("done")[0]


async def test_without_processes_there_is_none_to_end(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story())
        await pilot.press("down", "k")
        assert (it.sent, it.toasts()) == ([], ["There is no process"])


async def test_a_new_process_is_a_command_line(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("n", *"sleep", "space", "1", "enter")
        assert it.sent == [Spawn(["sleep", "1"])]
        await pilot.press("n", *"ls", "space", "|", "space", *"wc", "enter")
        assert it.sent[1:] == [Spawn(["sh", "-c", "ls | wc"])]
        await pilot.press("n", *"ls", "escape")
        assert len(it.sent) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nosuchprogram -x", "nosuchprogram: there is no such program here"),
        ('echo "unclosed', "is no command line"),
        ("   ", "is no command line"),
    ],
)
async def test_a_bad_command_line_is_told_and_can_be_mended(stage: Stage, line: str, said: str) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("n", *("space" if sign == " " else sign for sign in line), "enter")
        await pilot.pause()
        assert said in it.text
        assert it.sent == []
        await pilot.press("ctrl+u", *"ls")
        await pilot.pause()
        assert said not in it.text
        await pilot.press("enter")
        assert it.sent == [Spawn(["ls"])]


async def test_another_policy(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = three()
        await it.tell(pilot, story)
        await pilot.press("p")
        await pilot.pause()
        assert "● rr" in it.text, "the present one is marked"
        assert "they all end late" in it.text, "it is told when the highlighted one is bad"
        assert "quantum = 50ms: the length of a time slice" in it.text
        await pilot.press("home")
        await pilot.pause()
        assert "the convoy effect" in it.text
        await pilot.press("enter")
        assert it.sent == [UsePolicy("fcfs")]
        await it.tell(pilot, story.operator("policy", policy="fcfs").schedule("fcfs"))
        assert "s   fcfs " in it.panel("status")[0]
        assert "quantum" not in it.panel("status")[0]
        await pilot.press("p", "escape")
        assert len(it.sent) == 1


# What is looked at


async def test_arrows_choose_in_order_of_birth_and_stop_at_the_ends(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        chosen = []
        for key in ("up", "down", "up", "up", "up", "down"):
            await pilot.press(key)
            chosen.append(it.app.board_screen.chosen)
        assert chosen == [3, 3, 2, 1, 1, 2]


@pytest.mark.parametrize("panel", ["ready", "running", "blocked", "done", "timeline"])
async def test_a_click_chooses(stage: Stage, panel: str) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        line, pid = {"ready": (1, 2), "running": (0, 1), "blocked": (0, 4), "done": (0, 5), "timeline": (5, 2)}[panel]
        await pilot.click(f"#{panel}", offset=(8, line + 1))
        assert it.app.board_screen.chosen == pid
        await pilot.click(f"#{panel}", offset=(8, 8))  # where there is nobody
        assert it.app.board_screen.chosen == pid


async def test_the_wheel_scrolls_and_another_choice_comes_back_into_sight(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story()
        for number in range(1, 101):
            story.admit(f"p-{number}")
        await it.tell(pilot, story)
        board = it.app.board_screen
        for panel in ("ready", "timeline"):
            for _ in range(3):
                await wheel(pilot, board.query_one(f"#{panel}"), 1)
        assert it.panel("ready")[0] == "↑ 10 more"
        assert "↑ 10 more" in it.panel("timeline")
        for _ in range(9):
            await wheel(pilot, board.query_one("#ready"), -1)
            await wheel(pilot, board.query_one("#timeline"), -1)
        assert it.panel("ready")[0].split()[0] == "1"
        await pilot.press("up")  # the last one
        await it.settle(pilot)
        assert it.panel("ready")[-1].split()[:3] == ["100", "R", "p-100"]
        await it.open(pilot, "6", story.later("1ms").run("p-1"))
        assert it.panel("memory-list")[-1].split()[:3] == ["100", "R", "p-100"]
        for _ in range(40):
            await wheel(pilot, board.query_one("#memory-list"), -1)
        assert it.panel("memory-list")[1].split()[0] == "1"
        await pilot.press("up")
        await it.settle(pilot)
        assert "p-99" in "".join(it.panel("memory-list")), "another choice comes back there, too"
        assert any("p-100" in line for line in it.panel("timeline"))


async def test_zoom_stops_at_its_ends(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        assert "2 s wide" in it.text
        await pilot.press("plus")
        await it.settle(pilot)
        assert "1 s wide" in it.text
        await pilot.press(*["equals_sign"] * 12)
        await it.settle(pilot)
        assert "1 ms wide" in it.text
        await pilot.press(*["minus"] * 20)
        await it.settle(pilot)
        assert "3600 s wide" in it.text


async def test_dark_and_light(stage: Stage) -> None:
    it = stage(config=Config("light"))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        light = it.app.board_screen.styles.background
        await pilot.press("t")
        await it.settle(pilot)
        assert it.app.current_theme.dark
        assert it.app.board_screen.styles.background != light
        await pilot.press("t")
        assert not it.app.current_theme.dark


@pytest.fixture
def lesson(tmp_path: Path) -> Scenario:
    """A scenario with a long lesson."""
    (tmp_path / "long.md").write_text("# Long\n\n" + "\n\n".join(f"Paragraph {number}." for number in range(60)))
    scenario = world("a", "b", "c", lesson="long.md")
    scenario.folder = str(tmp_path)
    return scenario


async def test_the_lesson_scrolls_hides_and_comes_back(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await until(lambda: "Paragraph 3." in it.text, pilot)
        await pilot.press("pagedown")
        await until(lambda: "Paragraph 3." not in it.text, pilot)
        await pilot.press("pageup")
        await until(lambda: "Paragraph 3." in it.text, pilot)
        await pilot.press("l")
        await until(lambda: "LESSON" not in it.text, pilot)
        await pilot.press("l")
        await until(lambda: "Paragraph 3." in it.text, pilot)


async def test_on_a_small_terminal_the_lesson_stands_in_the_place_of_the_timeline(
    stage: Stage, lesson: Scenario
) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(80, 24)) as pilot:
        await it.tell(pilot, three())
        await until(lambda: "Paragraph 0." in it.text, pilot)
        assert "TIMELINE" not in it.text
        await pilot.press("l")
        await it.settle(pilot)
        assert "TIMELINE" in it.text
        assert "LESSON" not in it.text


async def test_a_scenario_without_a_lesson_says_so(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("l")
        assert it.toasts() == ["This scenario has no lesson"]


async def test_inspect_needs_a_choice(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("enter")
        assert it.toasts() == ["Choose a process first: ↑ ↓, or click one"]
        await pilot.press("down", "enter")
        assert isinstance(it.app.screen, Inspect)


async def test_every_action_is_in_the_help_and_in_the_command_palette(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 110)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(it.app.screen, Help)
        assert [action.name for action in ACTIONS if action.name not in it.text] == []
        await pilot.press("escape")
        for panel in PANELS:
            await pilot.press(panel.keys)
            offered = {command.title for command in it.app.get_system_commands(it.app.screen)}
            here = {action.name for action in ACTIONS if action.panel in ("", panel.id)}
            assert here - offered == {"Find a command"}
            assert offered < here


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_a_method_that_takes_its_arguments(action: Action) -> None:
    target, name, arguments = parse(action.does)
    has_it: dict[str, type] = {"question": QuestionBox, "entry": EntryLine, "typing": TypingLine, "": BoardScreen}
    kind = SandboxApp if target == "app" else has_it.get(action.panel) or type(make(action.panel))
    assert target in ("", "app")
    signature(getattr(kind, f"action_{name}")).bind(None, *arguments)


async def test_the_command_palette_finds_and_does(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("ctrl+p", *"shorter")
        await until(lambda: "[   make the time slice shorter" in it.text, pilot)
        await pilot.press("down", "enter")
        await until(lambda: it.sent == [Tune("quantum", "20ms")], pilot)


async def test_a_picture_is_saved_here_or_it_is_told_why_not(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("f12")
        (picture,) = tmp_path.glob("*.svg")
        assert it.toasts() == [f"The screen is saved as {picture}"]
        assert "READY" in picture.read_text()
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        await pilot.press("f12")
        assert it.toasts()[1] == "The screen cannot be saved: No such file or directory"


# Leaving


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("ctrl+q", 0), ("ctrl+c", 130)])
async def test_keys_that_leave(stage: Stage, key: str, status: int) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press(key)
    assert it.app.return_value == status


@pytest.mark.parametrize("before", [("n",), ("o",), ("p",), ("down", "enter"), ("question_mark",), ("ctrl+p",)])
async def test_ctrl_c_leaves_from_anywhere(stage: Stage, before: tuple[str, ...]) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press(*before)
        await pilot.pause()
        assert len(it.app.screen_stack) == 2
        await pilot.press("ctrl+c")
    assert it.app.return_value == 130


async def test_suspend_pauses_first(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    it = stage()
    suspended: list[bool] = []
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, three())
        await pilot.press("ctrl+z")
        assert it.sent == [], "here is no terminal to give back"
        monkeypatch.setattr(type(it.app._driver), "can_suspend", True)
        monkeypatch.setattr(it.app.signals, "suspend", lambda: suspended.append(it.sent == [Pause("suspend")]))
        await pilot.press("ctrl+z")
        assert suspended == [True]
        it.app.app_resume_signal.publish(it.app)
        await pilot.pause()
        assert it.sent == [Pause("suspend"), Resume("suspend")]
