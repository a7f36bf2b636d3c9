"""Everything that the app uses of Textual and Rich beyond their documented interfaces: private names, and the format of
their output.

No other module does so. ``tests/tui/test_compat.py`` has a test for each use, which says what breaks if an upgrade
removes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape, unescape
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO, cast

import rich._wrap
from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.keys import _character_to_key
from textual.strip import Strip

from sandbox.render.cells import words

if TYPE_CHECKING:
    from aiohttp.web import Application
    from textual.drivers.linux_driver import LinuxDriver
    from textual_serve.server import Server

#: A text in an SVG picture by Rich, with its position and width.
SVG_TEXT = re.compile(
    r'<text (?P<start>[^>]*)x="(?P<x>[\d.]+)"(?P<middle>[^>]*)textLength="(?P<room>[\d.]+)"(?P<end>[^>]*)>'
    r"(?P<said>[^<]+)</text>"
)


def break_lines_in_every_script() -> None:
    """Have Rich and Textual break lines as ``render.cells.wrap`` does. By default they break at blanks only, and would
    begin a new line for each longer piece of Chinese. Neither has a hook for it."""
    rich._wrap.words = words


def key_name(character: str) -> str:
    """Return Textual's name for a character's key: ``full_stop`` for ``.``. Textual translates characters in keymaps
    only when it applies them, but here keymaps are checked before."""
    return _character_to_key(character)


def divert_output(driver: LinuxDriver, through: Callable[[TextIO], object]) -> None:
    """Have the driver write to ``through(FILE)`` instead of its file. The driver has no parameter for it."""
    driver._file = cast(Any, through(cast(TextIO, driver._file)))


def correct_size(driver: LinuxDriver, correct: Callable[[tuple[int, int]], tuple[int, int]]) -> None:
    """Have the driver use the result of ``correct`` for the terminal size that it finds. The driver has no hook for
    it."""
    found = driver._get_terminal_size
    vars(driver)["_get_terminal_size"] = lambda: correct(found())


def put_before(server: Server, middleware: Any) -> None:
    """Add a middleware to a web server of textual-serve, which creates its application internally."""
    make = server._make_app

    async def made() -> Application:
        app = await make()
        app.middlewares.append(middleware)
        return app

    vars(server)["_make_app"] = made


def make_parser(before: XTermParser | None = None) -> XTermParser:
    """Return a parser of terminal input; ``before``: the parser that it replaces. Textual's driver creates its parser
    within its input loop, where it cannot be reached."""
    parser = XTermParser()
    if before is not None:
        parser.mouse_pixels = before.mouse_pixels
        parser.terminal_size, parser.terminal_pixel_size = before.terminal_size, before.terminal_pixel_size
    return parser


def can_suspend(app: App[Any]) -> bool:
    """Whether the app can give the terminal back. ``App.suspend`` reports that only when it is too late."""
    return app._driver is not None and app._driver.can_suspend


def fail(app: App[Any], error: Exception) -> None:
    """End the app with the traceback of an error raised outside of Textual's message handlers, by a timer or a reader
    of the event loop, which would only log it."""
    app._handle_exception(error)


def drawn_lines(app: App[Any]) -> list[str]:
    """Return the screen's lines with their escape sequences. Textual sends them to its driver only, in pieces."""
    console = Console(color_system="truecolor", force_terminal=True, width=app.size.width, legacy_windows=False)
    filters = app.get_line_filters()
    background = app.screen.background_colors[1]
    strips = app.screen._compositor.render_strips(app.size)
    return [_filtered(strip, filters, background).render(console) for strip in strips]


def _filtered(strip: Strip, filters: Sequence[LineFilter], background: Color) -> Strip:
    for each in filters:
        strip = strip.apply_filter(each, background)
    return strip


_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_SPACE = "\N{NO-BREAK SPACE}"


def to_cells(svg: str) -> str:
    """Fix an SVG picture by Rich: give each text the width of its cells. Rich computes it from the number of
    characters, which would squeeze Chinese characters, two cells wide, into one cell."""
    return SVG_TEXT.sub(_apart, svg)


def recoloured(svg: str, colours: Sequence[str]) -> str:
    """Give the numbered colours of an SVG picture by Rich these values. Rich has pale ones, close to each other, for
    them, and Textual's method to make a picture has no parameter for it."""
    drawn = [SVG_EXPORT_THEME.ansi_colors[number] for number in range(len(colours))]
    values = {colour.hex: ours for colour, ours in zip(drawn, colours, strict=True)}
    return _COLOUR.sub(lambda found: values.get(found[0], found[0]), svg)


def _apart(text: re.Match[str]) -> str:
    """Split a text into runs of wide and of other characters, each in its own place."""
    said = unescape(text["said"]).replace(_SPACE, " ")
    if cell_len(said) <= len(said):
        return text[0]
    x, cell = float(text["x"]), float(text["room"]) / len(said)
    parts = []
    for _, characters in groupby(said, key=lambda character: cell_len(character) > 1):
        part = "".join(characters)
        room = cell_len(part) * cell
        shown = escape(part).replace(" ", "&#160;")
        parts.append(f'<text {text["start"]}x="{x:g}"{text["middle"]}textLength="{room:g}"{text["end"]}>{shown}</text>')
        x += room
    return "".join(parts)
