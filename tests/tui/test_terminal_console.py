"""A console is a terminal where its program needs one: its screen, every key, and one that leaves."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from sandbox.model.commands import Command, Keys, Press, Resize, Type
from sandbox.tui.panels.console.screen import TerminalScreen
from sandbox.tui.widgets.entry import TypingLine
from tests.support.app import AppDriver, Compare, MakeDriver, prepare, until, wheel
from tests.support.kernel_script import KernelScript

SIZE = (120, 40)


def editing() -> KernelScript:
    """An editor has the whole screen, and waits for keys."""
    script = KernelScript().admit("hog", "9s").admit("vim").run("vim").later("5ms").write("vim", "before\n")
    script.set_terminal("vim", canonical=False, echo=False)
    script.send("vim", "\x1b[?1049h\x1b[H\x1b[2J\x1b[32mgreen\x1b[m 漢字\r\n~\r\n\x1b[3;5H\x1b[7mhere\x1b[m\x1b[2;1H")
    return script.block("vim", "poll").run("hog").later("30ms")


def asking() -> KernelScript:
    """Somebody reads lines."""
    script = KernelScript().admit("ask").run("ask").later("2ms").write("ask", "? ")
    return script.block("ask", "read console").later("10ms")


async def take(driver: AppDriver, pilot: Pilot[int]) -> None:
    """Choose the editor, and give it the keys."""
    await pilot.press("up")
    await driver.settle(pilot)
    await pilot.press("enter")
    await driver.settle(pilot)
    await until(lambda: isinstance(driver.app.focused, TerminalScreen), pilot)


def sizes(driver: AppDriver) -> list[Command]:
    return [command for command in driver.link.sent if isinstance(command, Resize)]


async def test_its_screen_is_shown_and_it_is_told_how_large_that_is(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", editing())
        await pilot.press("up")
        await driver.settle(pilot)
        assert driver.panel("console-screen")[:3] == ["green 漢字", "~", "    here"]
        screen = driver.app.board_screen.query_one("#console-screen")
        assert sizes(driver)[-1] == Resize("2", screen.size.height, screen.size.width)
        assert "⏎ or a click gives it every key" in driver.text


async def test_every_key_is_its_own_but_one(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", editing())
        await take(driver, pilot)
        assert "every key is its own; ctrl+] leaves" in driver.text
        assert driver.panel("keys") == [" ctrl+] leave"]
        keys = ["i", "q", "space", "escape", "enter", "tab", "up", "ctrl+c", "ctrl+d", "ctrl+z", "ctrl+q", "f1", "é"]
        await pilot.press(*keys)
        typed = [command.text for command in driver.sent if isinstance(command, Keys)]
        assert typed == ["i", "q", " ", "\x1b", "\r", "\t", "\x1b[A", "\x03", "\x04", "\x1a", "\x11", "\x1bOP", "é"]
        assert {command.who for command in driver.sent if isinstance(command, Keys)} == {"2"}
        driver.app.focused.post_message(Paste("a\nb"))  # type: ignore[union-attr]
        await driver.settle(pilot)
        assert driver.sent[-1] == Keys("2", "a\rb")
        assert driver.app.is_running
        await pilot.press("ctrl+right_square_bracket")
        await driver.settle(pilot)
        await pilot.press("4")
        await driver.settle(pilot)
        assert driver.app.board_screen.front.id == "queues", "keys do again what they do elsewhere"


async def test_whoever_types_has_room_and_a_larger_terminal(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", editing())
        await take(driver, pilot)
        await driver.settle(pilot)
        await until(lambda: sizes(driver)[-1].rows > 25, pilot)  # type: ignore[attr-defined]
        assert not driver.app.board_screen.timeline.is_on_screen


async def test_the_room_around_it_follows_the_keys_where_nothing_happens(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", editing().pause())
        await pilot.press("up")
        await driver.settle(pilot)
        board = driver.app.board_screen
        await pilot.press("enter")
        await until(lambda: not board.timeline.is_on_screen and driver.panel("keys") == [" ctrl+] leave"], pilot)
        await pilot.press("ctrl+right_square_bracket")
        await until(lambda: board.timeline.is_on_screen and "⏎ type" in driver.panel("keys")[0], pilot)


async def test_questions_are_answered_while_it_is_shown(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        script = editing()
        await driver.open(pilot, "3", script)
        await pilot.press("up")
        await driver.settle(pilot)
        await driver.feed(pilot, script.later("1ms").send("vim", "\x1b[6n\x1b[21t\x1b[8;9;9t"))
        assert driver.sent == [Keys("2", "\x1b[2;1R", automatic=True)]
        await pilot.press("space", "comma")
        await driver.settle(pilot)
        driver.app.board_screen.action_present()
        await driver.settle(pilot)
        assert [command for command in driver.sent if isinstance(command, Keys)] == driver.sent[:1], "and only once"


async def test_the_past_of_a_screen_can_be_looked_at(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        script = editing()
        await driver.open(pilot, "3", script)
        await pilot.press("up")
        await driver.feed(pilot, script.expire("hog").wake("vim").run("vim").later("1ms").send("vim", "\x1b[2Jlater"))
        await driver.feed(pilot, script.block("vim", "poll").run("hog").later("5ms"))
        assert "later" in driver.panel("console-screen")[1]
        before = len(sizes(driver))
        await pilot.press("space", "comma", "comma", "comma")
        await driver.settle(pilot)
        assert driver.panel("console-screen")[:2] == ["green 漢字", "~"]
        await pilot.press("enter", "x")
        assert not [command for command in driver.sent if isinstance(command, Keys)], "nobody types into the past"
        assert len(sizes(driver)) == before
        driver.app.board_screen.action_present()
        await driver.settle(pilot)
        assert "later" in driver.panel("console-screen")[1]


async def test_its_end_gives_the_keys_back(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        script = editing()
        await driver.open(pilot, "3", script)
        await take(driver, pilot)
        script.expire("hog").wake("vim").run("vim").later("1ms").send("vim", "\x1b[?1049lbye\r\n").exit("vim", 0)
        await driver.feed(pilot, script.run("hog"))
        await driver.settle(pilot)
        assert not isinstance(driver.app.focused, TerminalScreen)
        assert driver.panel("console-screen")[:2] == ["before", "bye"]


async def test_the_wheel_scrolls_back_or_is_its_own(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        script = KernelScript().admit("bash").run("bash").set_terminal("bash", canonical=False)
        script.send("bash", "".join(f"\x1b[mline {number}\r\n" for number in range(100)))
        await driver.open(pilot, "3", script.block("bash", "poll"))
        screen = driver.app.board_screen.query_one("#console-screen")
        end = driver.panel("console-screen")
        await wheel(pilot, screen, -1)
        await driver.settle(pilot)
        assert driver.panel("console-screen") != end
        assert "scrolled back" in driver.text
        await pilot.press("pageup", "end")
        await driver.settle(pilot)
        assert driver.panel("console-screen") == end
        await pilot.press("enter")
        await driver.settle(pilot)
        await driver.feed(pilot, script.later("1ms").send("bash", "\x1b[?1000h\x1b[?1006h"))
        await wheel(pilot, screen, -1)
        assert [c.text for c in driver.sent if isinstance(c, Keys)][-1].startswith("\x1b[<64;")
        await driver.feed(pilot, script.later("1ms").send("bash", "\x1b[?1000l\x1b[?1049h"))
        await wheel(pilot, screen, 1)
        await driver.settle(pilot)
        assert [c.text for c in driver.sent if isinstance(c, Keys)][-1] == "\x1b[B" * 3


# Lines


async def test_several_pasted_lines_are_several(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", asking())
        await pilot.press("enter", "x")
        driver.app.focused.post_message(Paste("one\r\ntwo\nthree"))  # type: ignore[union-attr]
        await driver.settle(pilot)
        assert driver.sent == [Type("1", "xone"), Type("1", "two")]
        assert isinstance(driver.app.focused, TypingLine)
        assert driver.app.focused.value == "three"
        await pilot.press("ctrl+c")
        assert driver.sent[-1] == Press("1", "ctrl+c")


async def test_a_password_is_not_shown(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.open(pilot, "3", asking().set_terminal("ask", echo=False))
        await pilot.press("enter", *"secret")
        await driver.settle(pilot)
        assert "secret" not in driver.text
        await pilot.press("enter")
        assert driver.sent == [Type("1", "secret")]


async def test_who_types_lines_goes_on_with_keys(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        script = asking()
        await driver.open(pilot, "3", script)
        await pilot.press("enter")
        await driver.feed(pilot, script.set_terminal("ask", canonical=False))
        await driver.settle(pilot)
        await pilot.press("x")
        assert driver.sent == [Keys("1", "x")]


# The inspector


async def test_the_inspector_has_the_same(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=SIZE) as pilot:
        await driver.feed(pilot, editing())
        await pilot.press("up", "enter")
        await until(lambda: "Process 2" in driver.text, pilot)
        await until(lambda: "green 漢字" in driver.text, pilot)
        assert not isinstance(driver.app.focused, TerminalScreen), "its facts come first"
        await pilot.press("enter")
        await until(lambda: isinstance(driver.app.focused, TerminalScreen), pilot)
        await pilot.press("escape", "q")
        assert [c.text for c in driver.sent if isinstance(c, Keys)] == ["\x1b", "q"]
        await pilot.press("ctrl+right_square_bracket")
        await driver.settle(pilot)
        await pilot.press("escape")
        await until(lambda: driver.app.screen is driver.app.board_screen, pilot)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "small"])
def test_picture(make_driver: MakeDriver, snap_compare: Compare, size: tuple[int, int]) -> None:
    driver = make_driver()
    before = prepare(driver, editing(), "3", "up", "enter", sees="ctrl+] leaves")
    assert snap_compare(driver.app, terminal_size=size, run_before=before)
