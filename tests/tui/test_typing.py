"""Whatever is typed, however quickly: nothing crashes, nothing is lost, and what was meant as text is no command."""

from __future__ import annotations

import os
import random
import string
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot

from sandbox.model.commands import Keys, Kill, Press, Spawn, Type
from sandbox.tui.app import SandboxApp
from sandbox.tui.keys import PANELS
from sandbox.tui.panels.compare import Compare
from tests.support.app import AppDriver, MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript, every_state
from tests.support.scenarios import command, process

#: Of all keys that are tried with each panel, so many are random, and so many sentences are plausible. The seeds are
#: other ones where more are asked for: ``OSSANDBOX_KEYS=10`` tries ten times as many, 12,000 in all.
_TIMES = int(os.environ.get("OSSANDBOX_KEYS", "1"))
_RANDOM, _PLAUSIBLE = 125, 3
#: How many keys are handed over at once, as a quick hand or a paste does.
_AT_ONCE = 25
_NAMED = (
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("backspace", "delete", "space", "f1", "f12", "ctrl+a", "ctrl+c", "ctrl+d", "ctrl+k", "ctrl+p", "ctrl+q"),
    *("ctrl+r", "ctrl+u", "ctrl+w", "ctrl+x", "ctrl+z", "shift+left", "shift+right", "ctrl+left", "insert", "f5"),
)
_SENTENCES = (
    "quit please", "n sleep 5\n", "nvim x\n", "pick the best\n", "o mail\n", "3\nhello\n", "2c\nhello\n", "5c banana\nfcfs, rr\n",
    "5c rr\n", "4\n5ms\n", "g3.4\n", "gnow\n", "w\n", "wx.trace\n", "k\n", "kkk", "i rr\n", "?q", "a\n..", "l8L", "jjkk",
)  # fmt: skip


def key(name: str) -> Key:
    names = {" ": "space", "\n": "enter"}
    return Key(names.get(name, name), name if len(name) == 1 else None)


async def type_ahead(driver: AppDriver, pilot: Pilot[int], keys: Iterable[str]) -> None:
    """All at once, and then wait until everything has been handled."""
    for each in keys:
        driver.app.post_message(key(each))
    await pilot.pause()
    await until(lambda: driver.app._keyboard.idle or driver.app.return_value is not None, pilot)
    if driver.app.return_value is None:
        await driver.settle(pilot)


@pytest.mark.parametrize("more", ["p", "i", "o", "n", "?", "g", "w", "\n", "uit please", "pppp", "3\nq"])
async def test_nothing_happens_on_the_way_out(make_driver: MakeDriver, more: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await type_ahead(driver, pilot, "q" + more)
    assert (driver.app.return_value, driver.app._exception) == (0, None)


async def test_what_follows_a_key_that_opens_something_is_for_that(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await type_ahead(driver, pilot, "nsleep 5\n")
        assert driver.sent == [Spawn(["sleep", "5"])]
        await type_ahead(driver, pilot, "3\nquit k.\n")
        assert driver.sent[1:] == [Type("4", "quit k.")]
        assert driver.app.return_value is None


async def test_a_line_stays_open_after_an_error(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("a"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, "5", every_state())
        await type_ahead(driver, pilot, "cbanana\nq")
        await until(lambda: "cannot be compared" in driver.text or "there is no policy" in driver.text, pilot)
        front = driver.app.board_screen.front
        assert isinstance(front, Compare)
        assert front._entry.has_focus
        assert front._entry.value == "bananaq"
        assert driver.app.return_value is None


async def test_a_pasted_line_waits_for_enter_where_one_answer_is_asked(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.press("n")
        driver.app.post_message(Paste("sleep 5 &&\r\n  echo done\n"))
        await pilot.pause()
        await until(lambda: "sleep 5 && echo done" in driver.text, pilot)
        assert driver.sent == []
        await pilot.press("enter")
        assert len(driver.sent) == 1


async def test_ctrl_c_is_for_the_process_in_both_consoles(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        pressed = [Press("4", "ctrl+c"), Press("4", "ctrl+d"), Press("4", "ctrl+z")]
        await pilot.press("down", "down", "down", "down", "enter")
        await pilot.pause()
        await pilot.press("ctrl+c", "ctrl+d", "ctrl+z")
        assert driver.sent == pressed
        await pilot.press(*"yes", "enter", "up")
        assert driver.sent[3:] == [Type("4", "yes")]
        assert "yes" in driver.text, "the line before comes back"
        await pilot.press("escape", "3", "enter", "ctrl+c", "ctrl+d", "ctrl+z")
        assert driver.sent[4:] == pressed


@pytest.mark.parametrize("keys", [("n",), ("3", "enter"), ("5", "c"), ("down", "enter")])
async def test_what_is_selected_is_copied(make_driver: MakeDriver, keys: tuple[str, ...]) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.press(*keys)
        await driver.settle(pilot)
        await pilot.press(*"word", "shift+home", "ctrl+c")
        assert driver.app.clipboard == "word"
        assert driver.app.return_value is None
        assert driver.sent == []


async def test_programs_of_the_readers_own_are_asked_for(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        await pilot.press("n", *"vim", "space", "x", "enter")
        await driver.feed(pilot, script.spawn("vim", "vim x"))
        assert driver.app.board_screen.chosen == script.pid("vim"), "who starts something wants to see it"
        for leave in ("q", "ctrl+c", "r", "a click"):
            if leave == "a click":
                await pilot.click(offset=(driver.lines[39].index("q quit") + 3, 39))
            else:
                await pilot.press(leave)
            await pilot.pause()
            assert "Programs of yours would end: vim." in driver.text
            await pilot.press("escape")
            assert (len(driver.links), driver.app.return_value) == (1, None)
        await pilot.press("k", "enter")
        assert driver.sent[-1:] == [Kill(str(script.pid("vim")))]
        await pilot.press("n", "up", "enter")
        assert driver.sent[-1:] == [Spawn(["vim", "x"])], "what was killed can be run again"
        await pilot.press("q", "enter")
    assert driver.app.return_value == 0


async def test_a_command_of_the_scenario_is_asked_for_once_something_was_typed_into_it(
    make_driver: MakeDriver,
) -> None:
    scenario = blank_scenario()
    scenario.processes = [command("shell", "sh"), process("hog", "cpu 60s")]
    driver = make_driver(scenario)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("shell").admit("hog").run("shell").admit("vim", parent="shell")
        await driver.feed(pilot, script.block("shell", "read console"))
        assert ask_to_quit(driver) == []
        driver.app.session.send(Type(str(script.pid("hog")), "x"))
        assert ask_to_quit(driver) == [], "it is no program of theirs"
        driver.app.session.send(Keys(str(script.pid("vim")), "\x1b[1;1R", automatic=True))
        assert ask_to_quit(driver) == [], "the terminal has answered, and nobody else"
        driver.app.session.send(Keys(str(script.pid("vim")), "x"))
        await driver.feed(pilot, script.admit("less", parent="vim"))
        assert ask_to_quit(driver) == ["shell", "vim", "less"]
        await pilot.press("q")
        await pilot.pause()
        assert "Programs of yours would end: shell, vim, less." in driver.text


def ask_to_quit(driver: AppDriver) -> list[str]:
    """Of which programs of theirs whoever leaves now would be asked."""
    view = driver.app.session.view
    return [view.live.names[pid] for pid in driver.app.session.own.alive(view.live.board)]


@pytest.mark.parametrize(("asks", "status"), [("q", 0), ("ctrl+c", 130)])
async def test_ctrl_c_again_is_an_answer(make_driver: MakeDriver, asks: str, status: int) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        await pilot.press("n", *"vim", "enter")
        await driver.feed(pilot, script.spawn("vim", "vim"))
        await pilot.press("r", "ctrl+c")
        assert len(driver.links) == 1, "of another question it lets go"
        await pilot.press(asks)
        await pilot.pause()
        assert "⏎ ctrl+c leave all the same" in driver.text
        await pilot.press("ctrl+c")
    assert driver.app.return_value == status


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(_TIMES))
@pytest.mark.parametrize("panel", [panel.keys for panel in PANELS])
async def test_random_and_plausible_keys(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, panel: str, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SandboxApp, "exit", lambda *_: None)
    dice = random.Random(10 * seed + ord(panel))
    anything = [dice.choice([*string.printable[:95], *_NAMED, *_NAMED]) for _ in range(_RANDOM)]
    plausible = [sign for _ in range(_PLAUSIBLE) for sign in dice.choice(_SENTENCES)]
    driver = make_driver()
    async with driver.app.run_test(size=(dice.choice((120, 80)), dice.choice((40, 24)))) as pilot:
        for keys in (anything, plausible):
            for first in range(0, len(keys), _AT_ONCE):
                if not driver.app.session.view.past.live.index:
                    await driver.feed(pilot, every_state())  # it has been restarted
                if first % 250 == 0:
                    await type_ahead(driver, pilot, ["escape", "escape", panel])
                await type_ahead(driver, pilot, keys[first : first + _AT_ONCE])
        assert driver.app._exception is None
