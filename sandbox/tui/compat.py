"""All that the app uses of Textual and Rich without their promise: private names, and the form of what they write.

Nothing else does so. ``tests/tui/test_compat.py`` has a test for each, which says what breaks when an upgrade takes it
away.
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

#: A text in a picture that Rich has drawn: where it begins, and how wide it is drawn.
SVG_TEXT = re.compile(
    r'<text (?P<start>[^>]*)x="(?P<x>[\d.]+)"(?P<middle>[^>]*)textLength="(?P<room>[\d.]+)"(?P<end>[^>]*)>'
    r"(?P<said>[^<]+)</text>"
)


def break_lines_in_every_script() -> None:
    """Have Rich, and Textual with it, break lines like ``render.cells.wrap``: of themselves they do so at blanks only,
    and would begin a new line with each longer piece of Chinese. Neither has a hook for it."""
    rich._wrap.words = words


def key_name(character: str) -> str:
    """The name that Textual gives to the key of a character: ``full_stop`` for ``.``. Textual itself translates such
    characters in keymaps, but only when it has taken them in; here they are checked before."""
    return _character_to_key(character)


def divert_output(driver: LinuxDriver, through: Callable[[TextIO], object]) -> None:
    """Have the driver write into ``through(FILE)`` instead of its file. It has no parameter for that."""
    driver._file = cast(Any, through(cast(TextIO, driver._file)))


def correct_size(driver: LinuxDriver, correct: Callable[[tuple[int, int]], tuple[int, int]]) -> None:
    """Have the driver go by what this makes of the size that it finds. It tells nobody but the app."""
    found = driver._get_terminal_size
    vars(driver)["_get_terminal_size"] = lambda: correct(found())


def put_before(server: Server, middleware: Any) -> None:
    """Have a web server of textual-serve hand on what this lets pass only. It makes its application by itself."""
    make = server._make_app

    async def made() -> Application:
        app = await make()
        app.middlewares.append(middleware)
        return app

    vars(server)["_make_app"] = made


def make_parser(before: XTermParser | None = None) -> XTermParser:
    """What makes events of what a terminal sends; ``before``: the one whose place it takes. Textual's driver makes it
    within the loop that reads, which cannot be had without it."""
    parser = XTermParser()
    if before is not None:
        parser.mouse_pixels = before.mouse_pixels
        parser.terminal_size, parser.terminal_pixel_size = before.terminal_size, before.terminal_pixel_size
    return parser


def can_suspend(app: App[Any]) -> bool:
    """Whether there is a terminal that can be given back. ``App.suspend`` only tells when it is too late to refrain."""
    return app._driver is not None and app._driver.can_suspend


def fail(app: App[Any], error: Exception) -> None:
    """End the app with the traceback of an error that was raised outside of Textual's own message handlers: by a timer
    or a reader of the event loop, which would only log it."""
    app._handle_exception(error)


def drawn_lines(app: App[Any]) -> list[str]:
    """What is on the screen, line by line, with the sequences that dress it. Textual itself tells it to its driver
    only, in pieces."""
    console = Console(color_system="truecolor", force_terminal=True, width=app.size.width, legacy_windows=False)
    filters = app.get_line_filters()
    background = app.screen.background_colors[1]
    strips = app.screen._compositor.render_strips(app.size)
    return [_filtered(strip, filters, background).render(console) for strip in strips]


def _filtered(strip: Strip, filters: Sequence[LineFilter], background: Color) -> Strip:
    for each in filters:
        strip = strip.apply_filter(each, background)
    return strip


_SPACE = "\N{NO-BREAK SPACE}"


def to_cells(svg: str) -> str:
    """A picture that Rich has drawn, with each text in the room of its cells: Rich gives it that of its characters, and
    Chinese ones, of two cells each, would be squeezed into one."""
    return SVG_TEXT.sub(_apart, svg)


def _apart(text: re.Match[str]) -> str:
    """Stretches of wide characters and of others, each in its own place."""
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
