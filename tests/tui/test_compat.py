"""What ``sandbox.tui.compat`` uses of Textual and Rich without their promise is still there and does the same.

Where one of these fails after an upgrade, its message says what a user of the app would lose.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import rich._wrap
from rich.console import Console
from rich.text import Text
from textual.app import App, ComposeResult
from textual.content import Content
from textual.drivers.linux_driver import LinuxDriver
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Static

import sandbox.tui
from sandbox.render.cells import wrap
from sandbox.tui.compat import (
    SVG_TEXT,
    break_lines_in_every_script,
    can_suspend,
    correct_size,
    divert_output,
    drawn_lines,
    fail,
    key_name,
    make_parser,
    put_before,
)
from tests.support.systems import linux

CHINESE = "它醒来，得到 CPU，fork 出一个子进程；这个子进程只管这一个客户（它的）。"


@pytest.fixture
def taught() -> Iterator[None]:
    before = getattr(rich._wrap, "words", None)
    assert before is not None, "rich._wrap.words is gone: Rich and Textual break Chinese at blanks only"
    break_lines_in_every_script()
    yield
    rich._wrap.words = before


@pytest.mark.usefixtures("taught")
def test_lines_of_rich_and_textual_are_broken_by_rich_wrap_words() -> None:
    ours = [line.rstrip() for line in wrap(CHINESE, 20)]
    by_rich = [str(line).rstrip() for line in Text(CHINESE).wrap(Console(width=20, file=StringIO()), 20)]
    by_textual = [str(line).rstrip() for line in Content(CHINESE).wrap(20)]
    assert by_rich == ours, "Rich does not call rich._wrap.words any more: reports break Chinese at blanks only"
    assert by_textual == ours, "Textual does not call rich._wrap.words any more: dialogs break Chinese at blanks only"


@pytest.mark.parametrize(
    ("character", "name"), [(".", "full_stop"), ("/", "slash"), ("{", "left_curly_bracket"), (",", "comma"), ("x", "x")]
)
def test_characters_are_called_what_textual_calls_their_keys(character: str, name: str) -> None:
    said = "textual.keys._character_to_key names keys otherwise: signs in a user's keymap do nothing, or are refused"
    assert key_name(character) == name, said


async def test_the_driver_writes_into_the_file_that_it_was_given() -> None:
    app: App[None] = App()
    async with app.run_test():
        driver = LinuxDriver(app, debug=False)
        assert hasattr(driver, "_file"), "LinuxDriver._file is gone: a terminal that is closed leaves the app behind"
        given: list[object] = []
        ours: Any = "ours"

        def divert(file: object) -> Any:
            given.append(file)
            return ours

        divert_output(driver, divert)
        assert driver._file is ours
        assert len(given) == 1
    source = inspect.getsource(LinuxDriver.start_application_mode)
    said = "LinuxDriver does not write into _file any more: a terminal that is closed leaves the app behind"
    assert "WriterThread(self._file)" in source, said


async def test_an_app_knows_whether_its_terminal_can_be_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app: App[None] = App()
    assert hasattr(app, "_driver"), "App._driver is gone: ctrl+z cannot know whether there is a shell to go back to"
    assert not can_suspend(app)
    async with app.run_test():
        assert not can_suspend(app), "there is no terminal in tests"
        monkeypatch.setattr(type(app._driver), "can_suspend", True)
        said = "Driver.can_suspend is not what suspension depends on any more: ctrl+z does nothing, or stops for good"
        assert can_suspend(app), said


async def test_an_error_outside_of_message_handlers_ends_the_app() -> None:
    app: App[None] = App()
    said = "App._handle_exception is gone: a bug in folding events is logged, and the board stands still"
    assert hasattr(app, "_handle_exception"), said

    async def run() -> None:
        async with app.run_test():
            fail(app, ValueError("from a timer"))

    with pytest.raises(ValueError, match="from a timer"):
        await run()
    assert app.return_code == 1


def test_rich_writes_pictures_as_the_pattern_expects() -> None:
    console = Console(width=40, record=True, file=StringIO(), force_terminal=True)
    console.print(Text("CPU 就绪"))
    svg = console.export_svg(title="")
    texts = [match["said"] for match in SVG_TEXT.finditer(svg)]
    assert any("就绪" in said for said in texts), "Rich writes its SVG otherwise: Chinese in screenshots is squeezed"
    assert len(texts) == svg.count("textLength="), "Rich writes some texts of its SVG otherwise than others"


@cache
def private_names(kind: type) -> set[str]:
    """Names with an underscore that a class defines, or its methods set."""
    found = {*vars(kind), *re.findall(r"\bself\.(\w+)(?=, |: [^=\n]+ = | = )", inspect.getsource(kind))}
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


def our_kinds() -> Iterator[type]:
    """All classes of the app that Textual sends messages to."""
    for module in pkgutil.walk_packages(sandbox.tui.__path__, "sandbox.tui."):
        for kind in vars(import_module(module.name)).values():
            if isinstance(kind, type) and kind.__module__ == module.name and issubclass(kind, MessagePump):
                yield kind


@linux
def test_no_private_name_of_ours_is_one_of_textual() -> None:
    """Textual's classes are for others to derive from, and its private names are as easily taken as any."""
    by_metaclass = {*vars(type("Any", (Widget,), {}))}
    taken = [
        f"{kind.__name__}.{name} is {base.__name__}'s"
        for kind in our_kinds()
        for base in kind.__mro__
        if base.__module__.startswith("textual.")
        for name in (private_names(kind) & private_names(base)) - by_metaclass
    ]
    assert sorted(taken) == []


async def test_the_lines_of_a_screen_can_be_read_from_its_compositor() -> None:
    class Words(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("some words")

    app = Words()
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.pause()
        lines = drawn_lines(app)
    said = "Screen._compositor.render_strips is otherwise: export --to cast has no frames"
    assert len(lines) == 3, said
    assert "some words" in lines[0], said


def test_what_a_terminal_sends_can_be_read_without_the_drivers_loop() -> None:
    before = make_parser()
    before.mouse_pixels = True
    parser = make_parser(before)
    assert parser.mouse_pixels
    assert [getattr(event, "key", None) for event in parser.feed("a")] == ["a"]
    source = inspect.getsource(LinuxDriver.run_input_thread)
    assert "XTermParser" in source, "sandbox.tui.terminal reads in its place"
    assert "exit_event" in source, "sandbox.tui.terminal reads on when the app has ended"


def test_the_size_of_a_terminal_is_asked_for_by_get_terminal_size() -> None:
    assert hasattr(LinuxDriver, "_get_terminal_size"), (
        "LinuxDriver._get_terminal_size is gone: a terminal without a size"
    )
    source = inspect.getsource(LinuxDriver)
    assert "self._get_terminal_size()" in source, (
        "the driver does not ask _get_terminal_size: a terminal without a size"
    )

    class Driver:
        def _get_terminal_size(self) -> tuple[int, int]:
            return (0, 0)

    driver: Any = Driver()
    correct_size(driver, lambda found: (found[0] + 80, found[1] + 24))
    assert driver._get_terminal_size() == (80, 24)


async def test_who_is_not_ours_is_kept_from_the_served_app() -> None:
    server: Any = pytest.importorskip("textual_serve.server").Server("true")
    let_in = object()
    put_before(server, let_in)
    app = await server._make_app()
    assert let_in in app.middlewares, "Server._make_app is gone: any page of the web could use what is served"
