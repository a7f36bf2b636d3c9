"""The consoles: a tab each, what was written in its colours, and a line that reaches who reads."""

from __future__ import annotations

import pytest
from textual.events import Paste

from sandbox.model.commands import Press, Type
from sandbox.tui.config import Config
from sandbox.tui.keys import ACTIONS
from sandbox.tui.panels.console.panel import Console
from tests.support.app import Compare, MakeDriver, prepare
from tests.support.kernel_script import KernelScript, every_state

RED = "\x1b[1;31m"


def reports() -> KernelScript:
    """Somebody reports in colours, somebody asks, somebody is silent; a shell's child reads in its place."""
    script = KernelScript().admit("hog", "9s").admit("report").admit("editor").admit("shell", runs="sh -c cat")
    script.run("report").later("5ms").write("report", f"{RED}FAILED\x1b[m test_one\r\n\x1b[32mPASSED\x1b[m test_two\n")
    script.write("report", "[b]no[/] markup [@click=app.quit]x[/]\n 10 %\r\x1b[38;5;208m 20 %\x1b[m").block("report")
    script.run("editor").later("5ms").write("editor", "your name? ").block("editor", "read console")
    script.run("shell").admit("cat", parent="shell").later("2ms").block("shell", "wait for child", child=7)
    return script.run("cat").later("2ms").block("cat", "read console").run("hog").later("30ms")


async def test_who_reads_comes_first_then_who_wrote(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", reports())
        assert driver.panel("console-tabs") == ["▸ 3 editor reads   4 shell reads   2 B report   1 ▶ hog"]
        assert "CONSOLE of 3 editor: BLOCKED, read console" in driver.text
        assert driver.panel("prompt") == [" editor waits for a line"]


async def test_left_right_and_clicks_turn_tabs_and_choose(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", reports())
        await pilot.press("right", "right")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 2
        assert driver.panel("console-output")[:4] == [
            "FAILED test_one", "PASSED test_two", "[b]no[/] markup [@click=app.quit]x[/]", " 20 %",
        ]  # fmt: skip
        await pilot.press("left")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 4
        await pilot.click("#console-tabs", offset=(driver.panel("console-tabs")[0].index("hog"), 0))
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1
        await pilot.press("right", "right")
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 1, "there is nobody further on"


async def test_a_child_shares_the_console_of_who_started_it(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", reports())
        await pilot.press("up")  # the last one born: the shell's child
        await driver.settle(pilot)
        assert driver.app.board_screen.chosen == 5
        assert "CONSOLE of 4 shell" in driver.text
        assert driver.panel("prompt") == [" cat waits for a line"]
        await pilot.press("enter", *"hi", "enter")
        assert driver.sent[-1] == Type("5", "hi")


async def test_what_is_typed_reaches_it_and_keys_with_ctrl_do(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", reports())
        await pilot.press("enter", *"q k.", "enter", "enter")  # letters that are keys elsewhere
        await pilot.press("ctrl+c", "ctrl+d", "ctrl+z")
        assert driver.sent == [
            Type("3", "q k."), Type("3", ""),
            Press("3", "ctrl+c"), Press("3", "ctrl+d"), Press("3", "ctrl+z"),
        ]  # fmt: skip
        await pilot.press("escape", "enter", "tab")
        await driver.settle(pilot)
        assert driver.app.board_screen.front.id != "console", "tab leaves it even while one types"
        await pilot.press("ctrl+c")
        assert driver.app.return_value == 130, "elsewhere ctrl+c is for the app"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
async def test_several_lines_that_are_pasted_are_several_lines(make_driver: MakeDriver, end: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", reports())
        await pilot.press("enter", *"a ")
        driver.app.post_message(Paste(end.join(["one", "", "two", "thr"])))
        await pilot.pause()
        await pilot.press(*"ee", "enter")
        assert driver.sent == [Type("3", "a one"), Type("3", ""), Type("3", "two"), Type("3", "three")]


async def test_nothing_that_is_drawn_steers_the_terminal(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "3", KernelScript().admit("a\x1b[2Jb").run("a\x1b[2Jb").later("5ms"))
        driver.app.notify("c\x1b]0;title\x07d", markup=False)
        await driver.settle(pilot)
        drawn = [segment.text for strip in driver.app.screen._compositor.render_strips() for segment in strip]
        assert any("a[2Jb" in text for text in drawn)
        assert all(text.isprintable() for text in drawn)


async def test_nobody_types_to_who_has_ended(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = reports()
        await driver.open(pilot, "3", script)
        await pilot.press("enter")
        script.expire("hog").wake("editor").run("editor").later("1ms").write("editor", "bye").exit("editor", 3)
        await driver.feed(pilot, script.run("hog"))
        assert "CONSOLE of 3 editor: DONE, exit 3" in driver.text
        assert driver.panel("prompt") == [" nobody reads here"]
        assert driver.panel("console-tabs")[0].startswith("▸ 3 ✘ editor   4 shell reads"), "it stays where it was"
        await pilot.press("enter", "x")
        assert not driver.sent, "what is still typed is no command of the board either"
        await pilot.press("escape")
        assert isinstance(driver.app.focused, Console)


async def test_it_can_be_scrolled_back_while_more_comes(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = (
            KernelScript().admit("log").run("log").write("log", "".join(f"line {number}\n" for number in range(300)))
        )
        await driver.open(pilot, "3", script)
        height = len(driver.panel("console-output"))
        assert driver.panel("console-output")[-1] == "line 299"
        await pilot.press("pageup", "pageup")
        await driver.settle(pilot)
        top = f"line {300 - height - 2 * (height - 1)}"
        assert driver.panel("console-output")[0] == top
        assert "scrolled back: end follows the end" in driver.text
        await driver.feed(pilot, script.later("1ms").write("log", "x" * 200 + "\nmore\n"))
        assert driver.panel("console-output")[0] == top, "what is read stands still"
        await pilot.press("pagedown", "pagedown", "pagedown")
        await driver.settle(pilot)
        assert driver.panel("console-output")[-4:] == ["x" * 76, "x" * 76, "x" * 48, "more"], "a long line is broken"
        await driver.feed(pilot, script.later("1ms").write("log", "the end"))
        assert driver.panel("console-output")[-1] == "the end", "down there it is followed again"


async def test_its_keys_are_offered_while_it_is_in_front(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, reports())
        before = {command.title for command in driver.app.get_system_commands(driver.app.screen)}
        await pilot.press("3")
        await driver.settle(pilot)
        after = {command.title for command in driver.app.get_system_commands(driver.app.screen)}
        assert after - before == {action.name for action in ACTIONS if action.panel == "console"}
        assert driver.panel("keys")[0].startswith(" ⏎ type")
        assert "inspect" not in driver.panel("keys")[0], "the same key does something else here"


async def test_many_consoles_show_the_ones_around(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = KernelScript()
        for number in range(1, 201):
            script.admit(f"p-{number}")
        await driver.open(pilot, "3", script)
        assert driver.panel("console-tabs")[0].startswith("▸ 1 R p-1 ")
        await pilot.press(*["right"] * 30)
        await driver.settle(pilot)
        assert "▸ 31 R p-31" in driver.panel("console-tabs")[0]
        assert driver.panel("console-tabs")[0].startswith("‹")
        assert driver.panel("console-tabs")[0].endswith("›")
        await pilot.press("up", *["left"] * 30)
        await driver.settle(pilot)
        assert driver.panel("console-tabs")[0].startswith("▸ 1 R p-1 ")


async def test_without_colours_it_can_be_read(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "3", reports())
        await pilot.press("right", "right")
        await driver.settle(pilot)
        assert driver.panel("console-output")[0] == "FAILED test_one"


async def test_a_restart_forgets_what_was_shown(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.open(pilot, "3", every_state())
        await pilot.press("r")
        await driver.settle(pilot)
        assert driver.panel("console-tabs") == [""]
        assert driver.panel("console-output")[0] == ""
        await driver.feed(pilot, KernelScript().admit("only").run("only").write("only", "here"))
        assert driver.panel("console-output")[0] == "here"


# Pictures


def test_console(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver()
    before = prepare(driver, reports(), "3", "right", "right", sees="CONSOLE of 2")
    assert snap_compare(driver.app, terminal_size=(120, 40), run_before=before)


def test_console_small(make_driver: MakeDriver, snap_compare: Compare) -> None:
    driver = make_driver(config=Config("light"))
    before = prepare(driver, reports(), "3", "enter", "a", sees="CONSOLE of 3")
    assert snap_compare(driver.app, terminal_size=(80, 24), run_before=before)


async def test_a_password_is_shown_nowhere(make_driver: MakeDriver) -> None:
    script = KernelScript().admit("login").run("login").write("login", "Password: ").later("2ms")
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(
            pilot, "3", script.set_terminal("login", echo=False).block("login", "read console", echo="off")
        )
        assert "BLOCKED, read console, echo off" in driver.text
        await pilot.press("enter", *"s3cret")
        await driver.settle(pilot)
        assert "s3cret" not in driver.text
        await pilot.press("enter")
        assert driver.sent[-1:] == [Type("1", "s3cret")]
        await driver.feed(pilot, script.wake("login").later("1ms").operator("typed unseen", pid=1))
        assert "s3cret" not in driver.text
