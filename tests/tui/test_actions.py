"""What the keys do: every action of the list asks the kernel process for the right thing, or changes the view."""

from __future__ import annotations

import signal
from inspect import signature
from pathlib import Path

import pytest
from textual.actions import parse
from textual.screen import Screen

from sandbox.model.commands import Kill, Pause, Resume, Spawn, Step, Tune, UsePolicy
from sandbox.model.spec import Scenario
from sandbox.tui.app import SandboxApp
from sandbox.tui.config import Config
from sandbox.tui.keys import ACTIONS, PANELS, Action
from sandbox.tui.panels import make
from sandbox.tui.panels.console.screen import TerminalScreen
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.screens.help import Help
from sandbox.tui.screens.inspect import Inspect
from sandbox.tui.widgets.entry import EntryLine, TypingLine
from sandbox.tui.widgets.question import QuestionBox
from tests.support.app import MakeDriver, blank_scenario, until, wheel
from tests.support.kernel_script import KernelScript, every_state


def three() -> KernelScript:
    """Three processes, the first of which runs."""
    return KernelScript().admit("a", "1s").admit("b", "1s").admit("c", "1s").run("a").later("10ms")


# The machine


async def test_space_pauses_and_goes_on(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = three()
        await driver.feed(pilot, script)
        await pilot.press("space")
        assert driver.sent == [Pause()]
        await driver.feed(pilot, script.pause())
        await pilot.press("space")
        assert driver.sent == [Pause(), Resume()]


async def test_a_full_stop_steps_whether_it_runs_or_not(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = three()
        await driver.feed(pilot, script)
        await pilot.press("full_stop")
        await driver.feed(pilot, script.pause())
        await pilot.press("full_stop")
        assert driver.sent == [Step(), Step()]


async def test_a_step_shows_the_decision_before_it_takes_effect(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = three().pause()
        await driver.feed(pilot, script)
        script.operator("stepped").run("a").later("40ms").expire("a").run("b").operator("paused", by="step")
        await driver.feed(pilot, script)
        assert "‖ PAUSED" in driver.panel("status")[0]
        assert driver.panel("running")[0].split() == ["cpu0", "2", "▶", "b"]
        assert "a used its whole slice and goes to the tail. rr chooses b" in driver.panel("why")[0]


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
async def test_the_brackets_change_the_quantum(make_driver: MakeDriver, key: str, quantum: str, asked: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript(quantum=quantum).admit("a").run("a"))
        await pilot.press(key)
        assert driver.sent == [Tune("quantum", asked)]


async def test_two_quick_keys_are_two_steps(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript(quantum="50ms").admit("a").run("a")
        await driver.feed(pilot, script)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert driver.sent == [Tune("quantum", "20ms"), Tune("quantum", "10ms")]
        await driver.feed(pilot, script.schedule("rr", quantum_ns=10_000_000))
        await pilot.press("right_square_bracket")
        assert driver.sent[2:] == [Tune("quantum", "20ms")]


@pytest.mark.parametrize(
    ("key", "quantum", "said"),
    [
        ("right_square_bracket", "2s", "Longer than 2 s makes no sense here"),
        ("left_square_bracket", "1ms", "Shorter than 1 ms makes no sense here"),
        ("left_square_bracket", None, "fcfs has no quantum to change"),
    ],
)
async def test_the_quantum_has_its_limits(make_driver: MakeDriver, key: str, quantum: str | None, said: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript("rr" if quantum else "fcfs", quantum).admit("a").run("a"))
        await pilot.press(key)
        assert (driver.sent, driver.toasts()) == ([], [said])


async def test_k_ends_the_chosen_process(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = three()
        await driver.feed(pilot, script)
        await pilot.press("k")
        assert (driver.sent, driver.toasts()) == ([], ["Choose a process first: ↑ ↓, or click one"])
        await pilot.press("down", "down", "k")
        await pilot.pause()
        assert "2 b is sent SIGTERM" in driver.text, "it is named first"
        await pilot.press("escape")
        assert driver.sent == []
        await pilot.press("k", "enter")
        assert driver.sent == [Kill("2")]
        assert driver.toasts()[-1] == "r runs the scenario again"
        await driver.feed(pilot, script.exit("b", None, signal.SIGTERM))
        await pilot.press("k")
        assert driver.sent == [Kill("2")]
        assert driver.toasts()[-1] == "b has ended already"
        assert "TERM" in driver.panel("done")[0]


async def test_without_processes_there_is_none_to_end(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("down", "k")
        assert (driver.sent, driver.toasts()) == ([], ["There is no process"] * 2)


async def test_a_new_process_is_a_command_line(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("n", *"sleep", "space", "1", "enter")
        assert driver.sent == [Spawn(["sleep", "1"])]
        await pilot.press("n", *"ls", "space", "|", "space", *"wc", "enter")
        assert driver.sent[1:] == [Spawn(["sh", "-c", "ls | wc"])]
        await pilot.press("n", *"ls", "escape")
        assert len(driver.sent) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nosuchprogram -x", "nosuchprogram: there is no such program here"),
        ('echo "unclosed', "is no command line"),
        ("   ", "is no command line"),
    ],
)
async def test_a_bad_command_line_is_told_and_can_be_mended(make_driver: MakeDriver, line: str, said: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("n", *("space" if sign == " " else sign for sign in line), "enter")
        await pilot.pause()
        assert said in driver.text
        assert driver.sent == []
        await pilot.press("ctrl+u", *"ls")
        await pilot.pause()
        assert said not in driver.text
        await pilot.press("enter")
        assert driver.sent == [Spawn(["ls"])]


async def test_another_policy(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = three()
        await driver.feed(pilot, script)
        await pilot.press("p")
        await pilot.pause()
        assert "● rr" in driver.text, "the present one is marked"
        assert "they all end late" in driver.text, "it is told when the highlighted one is bad"
        assert "quantum = 50ms: the length of a time slice" in driver.text
        await pilot.press("home")
        await pilot.pause()
        assert "the convoy effect" in driver.text
        await pilot.press("enter")
        assert driver.sent == [UsePolicy("fcfs")]
        await driver.feed(pilot, script.operator("policy", policy="fcfs").schedule("fcfs"))
        assert "s   fcfs " in driver.panel("status")[0]
        assert "quantum" not in driver.panel("status")[0]
        await pilot.press("p", "escape")
        assert len(driver.sent) == 1


# What is looked at


async def test_arrows_choose_in_order_of_birth_and_stop_at_the_ends(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        chosen = []
        for key in ("up", "down", "up", "up", "up", "down"):
            await pilot.press(key)
            chosen.append(driver.app.board_screen.chosen)
        assert chosen == [3, 3, 2, 1, 1, 2]


@pytest.mark.parametrize("panel", ["ready", "running", "blocked", "done", "timeline"])
async def test_a_click_chooses(make_driver: MakeDriver, panel: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        line, pid = {"ready": (1, 2), "running": (0, 1), "blocked": (0, 4), "done": (0, 5), "timeline": (5, 2)}[panel]
        await pilot.click(f"#{panel}", offset=(8, line + 1))
        assert driver.app.board_screen.chosen == pid
        await pilot.click(f"#{panel}", offset=(8, 8))  # where there is nobody
        assert driver.app.board_screen.chosen == pid


async def test_the_wheel_scrolls_and_another_choice_comes_back_into_sight(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        for number in range(1, 101):
            script.admit(f"p-{number}")
        await driver.feed(pilot, script)
        board = driver.app.board_screen
        for panel in ("ready", "timeline"):
            for _ in range(3):
                await wheel(pilot, board.query_one(f"#{panel}"), 1)
        assert driver.panel("ready")[0] == "↑ 10 more"
        assert "↑ 10 more" in driver.panel("timeline")
        for _ in range(9):
            await wheel(pilot, board.query_one("#ready"), -1)
            await wheel(pilot, board.query_one("#timeline"), -1)
        assert driver.panel("ready")[0].split()[0] == "1"
        await pilot.press("up")  # the last one
        await driver.settle(pilot)
        assert driver.panel("ready")[-1].split()[:3] == ["100", "R", "p-100"]
        await driver.open(pilot, "6", script.later("1ms").run("p-1"))
        assert driver.panel("memory-list")[-1].split()[:3] == ["100", "R", "p-100"]
        for _ in range(40):
            await wheel(pilot, board.query_one("#memory-list"), -1)
        assert driver.panel("memory-list")[1].split()[0] == "1"
        await pilot.press("up")
        await driver.settle(pilot)
        assert "p-99" in "".join(driver.panel("memory-list")), "another choice comes back there, too"
        assert any("p-100" in line for line in driver.panel("timeline"))


async def test_zoom_stops_at_its_ends(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        assert "2 s wide" in driver.text
        await pilot.press("plus")
        await driver.settle(pilot)
        assert "1 s wide" in driver.text
        await pilot.press(*["equals_sign"] * 12)
        await driver.settle(pilot)
        assert "1 ms wide" in driver.text
        await pilot.press(*["minus"] * 20)
        await driver.settle(pilot)
        assert "3600 s wide" in driver.text


async def test_dark_and_light(make_driver: MakeDriver) -> None:
    driver = make_driver(config=Config("light"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        light = driver.app.board_screen.styles.background
        await pilot.press("t")
        await driver.settle(pilot)
        assert driver.app.current_theme.dark
        assert driver.app.board_screen.styles.background != light
        await pilot.press("t")
        assert not driver.app.current_theme.dark


@pytest.fixture
def lesson(tmp_path: Path) -> Scenario:
    """A scenario with a long lesson."""
    (tmp_path / "long.md").write_text("# Long\n\n" + "\n\n".join(f"Paragraph {number}." for number in range(60)))
    scenario = blank_scenario("a", "b", "c", lesson="long.md")
    scenario.folder = str(tmp_path)
    return scenario


async def test_the_lesson_scrolls_hides_and_comes_back(make_driver: MakeDriver, lesson: Scenario) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await until(lambda: "Paragraph 3." in driver.text, pilot)
        await pilot.press("pagedown")
        await until(lambda: "Paragraph 3." not in driver.text, pilot)
        await pilot.press("pageup")
        await until(lambda: "Paragraph 3." in driver.text, pilot)
        await pilot.press("l")
        await until(lambda: "LESSON" not in driver.text, pilot)
        await pilot.press("l")
        await until(lambda: "Paragraph 3." in driver.text, pilot)


async def test_on_a_small_terminal_the_lesson_stands_beside_the_timeline(
    make_driver: MakeDriver, lesson: Scenario
) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, three())
        await until(lambda: "Paragraph 0." in driver.text, pilot)
        assert "TIMELINE" in driver.text
        assert "WHY" in driver.text
        assert "1B" in driver.lines[1]
        assert "7S" in driver.lines[1]
        await pilot.press("l")
        await driver.settle(pilot)
        assert "TIMELINE" in driver.text
        assert "LESSON" not in driver.text


async def test_at_100_by_28_the_diagram_of_states_is_whole_beside_tabs_lesson_and_reason(
    make_driver: MakeDriver, lesson: Scenario
) -> None:
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(100, 28)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("7")
        await until(lambda: "Paragraph 0." in driver.text, pilot)
        await driver.settle(pilot)
        assert "╭─ READY" in driver.text
        assert "╭─ BLOCKED" in driver.text
        assert "LESSON" in driver.text
        assert "WHY" in driver.text
        assert "7S" in driver.lines[1].replace(" ", "")


async def test_a_scenario_without_a_lesson_says_so(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("l")
        assert driver.toasts() == ["This scenario has no lesson"]


async def test_inspect_needs_a_choice(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("enter")
        assert driver.toasts() == ["Choose a process first: ↑ ↓, or click one"]
        await pilot.press("down", "enter")
        assert isinstance(driver.app.screen, Inspect)


async def test_every_action_is_in_the_help_and_in_the_command_palette(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 200)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("question_mark")
        await pilot.pause()
        shown: Screen[object] = driver.app.screen
        assert isinstance(shown, Help)
        assert [action.name for action in ACTIONS if action.name not in driver.text] == []
        await pilot.press("escape")
        for panel in PANELS:
            await pilot.press(panel.keys)
            offered = {command.title for command in driver.app.get_system_commands(driver.app.screen)}
            here = {action.name for action in ACTIONS if action.panel in ("", panel.id)}
            assert here - offered == {"Find a command"}
            assert offered < here


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_a_method_that_takes_its_arguments(action: Action) -> None:
    target, name, arguments = parse(action.does)
    has_it: dict[str, type] = {"question": QuestionBox, "entry": EntryLine, "typing": TypingLine, "": BoardScreen}
    has_it["terminal"] = TerminalScreen
    kind = SandboxApp if target == "app" else has_it.get(action.panel) or type(make(action.panel))
    assert target in ("", "app")
    signature(getattr(kind, f"action_{name}")).bind(None, *arguments)


async def test_the_command_palette_finds_and_does(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("ctrl+p", *"shorter")
        await until(lambda: "[   make the time slice shorter" in driver.text, pilot)
        await pilot.press("down", "enter")
        await until(lambda: driver.sent == [Tune("quantum", "20ms")], pilot)


async def test_a_picture_is_saved_here_or_it_is_told_why_not(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("f12")
        (picture,) = tmp_path.glob("*.svg")
        assert driver.toasts() == [f"The screen is saved as {picture}"]
        assert "READY" in picture.read_text()
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        await pilot.press("f12")
        assert driver.toasts()[1] == "The screen cannot be saved: No such file or directory"


# Leaving


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("ctrl+q", 0), ("ctrl+c", 130)])
async def test_keys_that_leave(make_driver: MakeDriver, key: str, status: int) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press(key)
    assert driver.app.return_value == status


@pytest.mark.parametrize("before", [("n",), ("o",), ("p",), ("g",), ("w",), ("i",), ("question_mark",), ("ctrl+p",)])
async def test_ctrl_c_closes_a_dialog_and_never_leaves_from_one(
    make_driver: MakeDriver, before: tuple[str, ...]
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press(*before)
        await pilot.pause()
        assert len(driver.app.screen_stack) == 2
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert len(driver.app.screen_stack) == 1
        assert driver.app.return_value is None
        await pilot.press("ctrl+c")
    assert driver.app.return_value == 130


@pytest.mark.parametrize("key", ["p", "question_mark", "ctrl+p"])
async def test_a_dialog_that_is_answered_twice_has_gone_the_second_time(make_driver: MakeDriver, key: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press(key)
        await driver.settle(pilot)
        dialog = driver.app.screen
        assert dialog is not driver.app.board_screen
        for _ in range(3):  # quick clicks wait until the first of them has been handled
            dialog.dismiss(None)
        await driver.settle(pilot)
        assert driver.app.screen is driver.app.board_screen


async def test_suspend_pauses_first(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = make_driver()
    suspended: list[bool] = []
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, three())
        await pilot.press("ctrl+z")
        assert driver.sent == [], "here is no terminal to give back"
        monkeypatch.setattr(type(driver.app._driver), "can_suspend", True)
        monkeypatch.setattr(driver.app.signals, "suspend", lambda: suspended.append(driver.sent == [Pause("suspend")]))
        await pilot.press("ctrl+z")
        assert suspended == [True]
        driver.app.app_resume_signal.publish(driver.app)
        await pilot.pause()
        assert driver.sent == [Pause("suspend"), Resume("suspend")]
