"""The mouse: what is clicked does what its key does, and what is dragged over is selected and copied."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import MouseDown, MouseEvent, MouseUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection
from textual.widget import Widget

from sandbox.model.commands import Pause, Press, Tune
from sandbox.tui.clipboard import takes
from sandbox.tui.screens.help import Help
from sandbox.tui.screens.inspect import Inspect
from sandbox.tui.screens.menu import ProcessMenu
from sandbox.tui.screens.open import Open
from sandbox.tui.screens.policy import ChoosePolicy
from tests.support.app import AppDriver, MakeDriver, until, wheel
from tests.support.kernel_script import every_state


def cell_of(driver: AppDriver, line: int, text: str) -> int:
    """Where a text begins on the screen."""
    return driver.lines[line].index(text)


async def drag(pilot: Pilot[int], widget: Widget, start: tuple[int, int], end: tuple[int, int]) -> None:
    """With the button held, from a cell of its content to another."""
    x, y = widget.content_region.offset
    await pilot.mouse_down(offset=(x + start[0], y + start[1]))
    await pilot.hover(offset=(x + end[0], y + end[1]))
    await pilot.mouse_up(offset=(x + end[0], y + end[1]))
    await pilot.pause()


async def test_keys_of_the_bottom_line_are_clicked(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.click(offset=(cell_of(driver, 39, "space"), 39))
        assert driver.sent == [Pause()]
        for pair, number in (("[ ]", 0), ("[ ]", 2), ("[ ]", 5)):
            await pilot.click(offset=(cell_of(driver, 39, pair) + number, 39))
        asked = [command.value for command in driver.sent[1:] if isinstance(command, Tune)]
        assert asked == ["20ms", "50ms", "100ms"], "each of two keys that are shown as one, and their word"
        await pilot.click(offset=(cell_of(driver, 39, "? help") + 3, 39))
        assert isinstance(driver.app.screen, Help)


async def test_keys_of_the_panel_in_front_and_of_questions_are_clicked(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "4", every_state())
        await pilot.click(offset=(cell_of(driver, 39, "source"), 39))
        assert driver.app.board_screen.front.has_class("reading")


async def test_what_can_be_clicked_is_underlined_under_the_mouse(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())

        def underlined(line: int) -> str:
            strip = driver.app.screen._compositor.render_strips()[line]
            return "".join(segment.text for segment in strip if segment.style and segment.style.underline)

        for line, thing in ((39, "? help"), (1, "2 Sockets"), (0, "ossandbox  test")):
            assert underlined(line) == ""
            await pilot.hover(offset=(cell_of(driver, line, thing) + 1, line))
            assert underlined(line) == thing
        await pilot.hover(offset=(60, 20))
        assert underlined(0) == "", "it is the mouse's place, nothing that was chosen"


@pytest.mark.parametrize(("clicked", "dialog"), [("test", Open), ("rr ", ChoosePolicy)])
async def test_the_top_line_does_what_its_keys_do(make_driver: MakeDriver, clicked: str, dialog: type) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.click(offset=(cell_of(driver, 0, "RUNNING"), 0))
        assert driver.sent == [Pause()]
        await pilot.click(offset=(cell_of(driver, 0, clicked), 0))
        await pilot.pause()
        assert isinstance(driver.app.screen, dialog)


@pytest.mark.parametrize("panel", ["ready", "timeline"])
async def test_a_double_click_looks_into_a_process(make_driver: MakeDriver, panel: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        line = {"ready": 2, "timeline": 6}[panel]
        await pilot.click(f"#{panel}", offset=(8, line), times=2)
        assert driver.app.board_screen.chosen == 2
        assert isinstance(driver.app.screen, Inspect)


@pytest.mark.parametrize("place", ["ready", "timeline", "why"])
async def test_what_is_dragged_over_stands_still_and_is_copied(
    make_driver: MakeDriver, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm")
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        widget = driver.app.board_screen.query_one(f"#{place}")
        line = {"ready": 1, "timeline": 5, "why": 0}[place]
        before = driver.panel(place)[line]
        chosen, front = driver.app.board_screen.chosen, driver.app.board_screen.front
        await drag(pilot, widget, (1, line), (15, line))
        assert (driver.app.board_screen.chosen, driver.app.board_screen.front) == (chosen, front), "that is no click"
        await driver.feed(pilot, script.later("900ms").expire("prime").run("pi").later("10ms"))
        assert driver.panel(place)[line] == before, "it stands still"
        assert "ctrl+c copies" in driver.text
        await pilot.press("ctrl+c")
        await driver.settle(pilot)
        assert driver.app.clipboard == before[1:16].rstrip()
        assert (tmp_path / "ossandbox" / "copied.txt").read_text(encoding="utf-8") == f"{driver.app.clipboard}\n"
        assert [told for told in driver.toasts() if "copied.txt" in told]
        assert driver.app.return_value is None
        assert "ctrl+c copies" not in driver.text
        assert driver.panel(place)[line] != before, "and goes on"


async def test_sentences_and_long_lines_are_copied_whole(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        said = " ".join(f"word-{number}" for number in range(40))
        await driver.open(pilot, "3", every_state().write("prime", f"{said}\nnext\n"))
        await pilot.press("down")
        await driver.settle(pilot)
        output = driver.app.board_screen.query_one("#console-output")
        await pilot.click(output, offset=(3, 1), times=2)
        assert driver.app._selected == "word-0"
        driver.app.screen.selections = {output: Selection(None, None)}
        await pilot.press("ctrl+c")
        assert driver.app.clipboard == f"{said}\nnext"


async def test_typing_copies_what_is_selected_and_else_ctrl_c_is_for_the_process(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", every_state())
        await pilot.press("down", "down", "down", "down", "enter")
        why = driver.app.board_screen.why
        await drag(pilot, why, (0, 0), (30, 0))
        await pilot.press("ctrl+c")
        assert driver.app.clipboard
        assert driver.sent == []
        await pilot.press("ctrl+c")
        assert [type(command) for command in driver.sent] == [Press]


async def press_button(driver: AppDriver, pilot: Pilot[int], button: int, x: int, y: int) -> None:
    """One of the mouse's buttons, as the terminal tells of it."""

    def told(kind: type[MouseEvent]) -> MouseEvent:
        return kind(None, x, y, 0, 0, button, False, False, False, x, y)

    driver.app.post_message(told(MouseDown))
    driver.app.post_message(told(MouseUp))
    await driver.settle(pilot)


@pytest.mark.parametrize("panel", ["board", "timeline", "states"])
async def test_the_right_button_asks_what_to_do_with_a_process(make_driver: MakeDriver, panel: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "7" if panel == "states" else "1", every_state())
        begin = 19 if panel == "timeline" else 3
        line = next(y for y in range(begin, 38) if " 2 " in driver.lines[y] and "pi" in driver.lines[y])
        await press_button(driver, pilot, 3, driver.lines[line].index("pi"), line)
        assert isinstance(driver.app.screen, ProcessMenu)
        assert driver.app.board_screen.chosen == 2
        await pilot.press("enter")
        await driver.settle(pilot)
        assert isinstance(driver.app.screen, Inspect), "the first thing to do is to look into it"


async def test_a_press_on_a_message_that_has_just_gone_does_nothing(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24), notifications=True) as pilot:
        await driver.feed(pilot, every_state())
        driver.app.notify("for a while", timeout=30)
        await until(lambda: bool(driver.app.screen.query("Toast")), pilot)
        toast = driver.app.screen.query("Toast").first()
        await pilot.pause()
        x, y = toast.content_region.offset
        await toast.remove()  # the screen is laid out anew later
        driver.app.screen._forward_event(MouseDown(None, x, y, 0, 0, 1, False, False, False, x, y))
        assert driver.app.screen.get_widget_and_offset_at(x, y) == (None, None)


@pytest.mark.parametrize("button", [2, 3])
async def test_other_buttons_are_no_clicks(make_driver: MakeDriver, button: int) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        screen, front = driver.app.screen, driver.app.board_screen.front
        for line, thing in ((39, "quit"), (39, "pause"), (1, "2 Sockets"), (0, "ossandbox")):
            await press_button(driver, pilot, button, cell_of(driver, line, thing) + 1, line)
        assert (driver.sent, driver.app.return_value) == ([], None)
        assert (driver.app.screen, driver.app.board_screen.front) == (screen, front)
        await pilot.press("question_mark")
        await press_button(driver, pilot, button, 60, 20)
        assert isinstance(driver.app.screen, Help), "nor in a dialog"


async def test_the_plain_wheel_never_zooms(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        timeline = driver.app.board_screen.timeline
        wide = timeline.extent.width_ns
        await wheel(pilot, timeline, 1)
        assert timeline.extent.width_ns == wide
        await wheel(pilot, timeline, 1, ctrl=True)
        assert timeline.extent.width_ns > wide


def test_which_terminals_are_known_to_take_it() -> None:
    assert takes({"TERM": "xterm-kitty"})
    assert takes({"TERM": "xterm-256color", "WT_SESSION": "1"})
    assert not takes({"TERM": "xterm-256color", "TMUX": "1", "KITTY_WINDOW_ID": "1"})
    assert not takes({"TERM": "xterm-256color", "VTE_VERSION": "7000"})
    assert not takes({"TERM": "linux"})


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (Offset(-1, 0), Offset(9, 0), "ossandbo"),
        (Offset(-1, 0), Offset(-1, 0), ""),
        (Offset(3, 0), Offset(-1, 1), "sandbox"),
    ],
)
async def test_a_selection_may_begin_and_end_on_a_border(
    make_driver: MakeDriver, begin: Offset, end: Offset, said: str
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        status = driver.app.board_screen.status
        driver.app.screen.selections = {status: Selection(begin, end)}
        await pilot.pause()
        assert (status.get_selection(Selection(begin, end)) or ("",))[0].split()[:1] == said.split()
        assert "ossandbox" in driver.panel("status")[0], "it is drawn all the same"
