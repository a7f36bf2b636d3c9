"""Terminals that have few signs, few colours, or a light ground; and what is kept of a theme."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.terminal_theme import SVG_EXPORT_THEME

from sandbox.tui import ascii as signs
from sandbox.tui.config import Config, read_config
from sandbox.tui.palette import SIXTEEN_ON_DARK, SIXTEEN_ON_LIGHT, Palette
from sandbox.tui.remembered import keep_theme
from tests.support.app import MakeDriver
from tests.support.kernel_script import long_run


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_sign_of_the_screen_is_ascii(make_driver: MakeDriver, size: tuple[int, int]) -> None:
    driver = make_driver(config=Config(ascii=True))
    async with driver.app.run_test(size=size) as pilot:
        await driver.feed(pilot, long_run())
        for key in ("1", "2", "4", "6", "7", "8", "y", "comma", "question_mark"):
            await pilot.press(key)
            await driver.settle(pilot)
            assert driver.text.isascii(), [sign for sign in driver.text if not sign.isascii()]


def test_signs_keep_their_width() -> None:
    for sign, other in signs._SIGNS.items():
        assert cell_len(chr(sign)) == cell_len(str(other)) == 1
    assert signs.spelt("READY 就绪 ░") == "READY 就绪 :"
    assert signs.spelt("shell ▾2") == "shell +2", "no version 2"


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LC_ALL": "zh_CN.GBK"}, True),
        ({"LANG": "C.utf8"}, False),
    ],
)
def test_terminals_without_signs(environment: dict[str, str], plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERM", "LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert signs.has_no_signs() is plain


@pytest.mark.parametrize("palette", [SIXTEEN_ON_DARK, SIXTEEN_ON_LIGHT])
def test_states_differ_in_sixteen_colours(palette: Palette) -> None:
    styles = (palette.ready, palette.running, palette.blocked, palette.done, palette.failed)
    colours = {style.color.downgrade(ColorSystem.STANDARD).number for style in styles if style.color is not None}
    assert len(colours) == 5


@pytest.mark.parametrize(("palette", "ground"), [(SIXTEEN_ON_DARK, "black"), (SIXTEEN_ON_LIGHT, "bright_white")])
def test_processes_differ_from_the_ground_in_sixteen_colours(palette: Palette, ground: str) -> None:
    grounds = [style.bgcolor.name for style in palette.hues if style.bgcolor is not None]
    assert len({*grounds, ground}) == len(palette.hues) + 1


async def test_pictures_show_the_colours_of_the_terminal(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    driver = make_driver(config=Config("light"))
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, long_run())
        picture = driver.app.export_screenshot()
    assert driver.app.console.color_system == "standard"
    pale = {SVG_EXPORT_THEME.ansi_colors[number].hex for number in range(16)}
    assert {"#000000", "#00aa00", "#ff55ff"} <= set(re.findall("#[0-9a-f]{6}", picture)) - pale


async def test_the_theme_is_remembered(make_driver: MakeDriver) -> None:
    assert read_config().theme == "dark"
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        await driver.feed(pilot, long_run())
        await pilot.press("t")
    assert read_config().theme == "light"
    keep_theme("dark")
    assert read_config().theme == "dark"


@pytest.mark.parametrize(("ground", "theme"), [("15;0", "dark"), ("0;15", "light"), ("0;default;7", "light")])
def test_terminals_that_tell_their_ground(ground: str, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", ground)
    assert read_config().theme == theme
