"""Recordings as asciicasts, the format of asciinema and its players, drawn frame by frame by the app.

Drawing does not take the time of the recording: the app's clock is set to the time of each frame.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from textual.pilot import Pilot

from sandbox.model.spec import Scenario
from sandbox.tui.app import SandboxApp
from sandbox.tui.compat import drawn_lines
from sandbox.tui.config import Config
from sandbox.tui.state.replay import Replay
from sandbox.tui.state.session import Link
from sandbox.util.units import S

if TYPE_CHECKING:
    from sandbox.trace.load import Recording

#: Columns and rows, those of a large terminal.
SIZE = (120, 40)
#: Frames per second, the most frames in all (longer runs have fewer per second), and the seconds for which the last one
#: is shown.
_FRAMES_PER_S, _MAX_FRAMES, _LAST_S = 10, 3_000, 2.0
_COLOURS = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
_HIDE_CURSOR, _CLEAR = "\x1b[?25l", "\x1b[2J"


@contextmanager
def _all_colours() -> Iterator[None]:
    """Make apps created in this context use all colours, whatever the terminal."""
    before = {name: os.environ.get(name) for name in _COLOURS}
    os.environ.update(_COLOURS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Clock:
    """A clock that is set by hand, in ns."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def write(recording: Recording, file: TextIO) -> None:
    """Write all frames of a recording to a file."""
    clock = _Clock()
    session = Replay(recording, _start, clock)
    with _all_colours():
        app = SandboxApp(session, Config())
    columns, rows = SIZE
    header = {"version": 2, "width": columns, "height": rows, "title": session.scenario.title}
    file.write(json.dumps(header, ensure_ascii=False) + "\n")

    async def play(pilot: Pilot[Any]) -> None:
        before: Sequence[str] = ()
        while not session.is_read or not app.board_screen.children:
            await pilot.pause()
        session.view.to_start()
        session.pause()
        length_ns = session.view.present_ns
        frames = min(length_ns * _FRAMES_PER_S // S + 2, _MAX_FRAMES)
        for frame in range(frames):
            clock.now_ns = length_ns * frame // (frames - 1)
            app.frame()
            await pilot.pause()
            lines = drawn_lines(app)
            if change := _change(before, lines):
                _write_output(file, clock.now_ns / S, change)
            before = lines
        _write_output(file, length_ns / S + _LAST_S, "\x1b[0m")
        app.exit(0)

    asyncio.run(app.run_async(headless=True, size=SIZE, auto_pilot=play))


def _write_output(file: TextIO, at_s: float, text: str) -> None:
    file.write(json.dumps([round(at_s, 6), "o", text], ensure_ascii=False) + "\n")


def _change(before: Sequence[str], lines: Sequence[str]) -> str:
    """Return the output that changes the screen from the lines before (none: an empty screen) to the new lines."""
    fresh = [
        f"\x1b[{row};1H{line}\x1b[0m\x1b[K"
        for row, line in enumerate(lines, 1)
        if not before or before[row - 1] != line
    ]
    return "".join(fresh) if before else _HIDE_CURSOR + _CLEAR + "".join(fresh)


def _start(scenario: Scenario) -> Link:
    raise OSError("nothing is started while a recording is drawn")
