"""The screen of a process's terminal, which passes keys to the process while it has the focus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from sandbox.tui.config import config_of
from sandbox.tui.keys import ACTIONS, bindings, keys_of
from sandbox.tui.panels.console.keyboard import Pressed, pressed
from sandbox.tui.panels.console.player import Player
from sandbox.tui.widgets.entry import TakesAllKeys
from sandbox.tui.widgets.lines import WHEEL, ScrolledLines, line
from sandbox.views.tape import Tape

if TYPE_CHECKING:
    from sandbox.tui.panels.console.emulator import Emulator

#: Seconds of playing, and seconds of pause after it: the CPU is for the processes.
_PLAY_S, _PAUSE_S = 0.012, 0.03
#: The longest time to wait for a program that has announced that it is painting.
_MAX_WAIT_S = 0.3
#: The time after a key press within which its effect should be shown at once.
_SOON_S = 0.5
#: The least size of a terminal.
_MIN_ROWS, _MIN_COLUMNS = 2, 10
_WHEEL_UP, _WHEEL_DOWN = 64, 65
_LEAVE = next(action for action in ACTIONS if action.id == "terminal_leave")
_CURSOR, _CURSOR_ELSEWHERE = Style(reverse=True), Style(underline=True)


class TerminalScreen(ScrolledLines, TakesAllKeys, can_focus=True):
    """The screen of a terminal. While it has the focus, every key goes to the program, except the one that leaves
    it."""

    DEFAULT_CLASSES = "framed main"
    BINDINGS: ClassVar[list[BindingType]] = bindings("terminal")

    class Typed(Message):
        """Input for the program. ``automatic``: an answer of the terminal, not the user's input."""

        def __init__(self, text: str, automatic: bool = False) -> None:
            super().__init__()
            self.text, self.automatic = text, automatic

    class Left(Message):
        """The user leaves the terminal, so that keys have their usual effects."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._player = Player()
        self._live = False
        #: The number of rows by which the view is scrolled back.
        self._back = 0
        self._left_before = 0
        self._strips: dict[int, Strip] = {}
        self._going_on: Timer | None = None
        self._waits_since: float | None = None
        self._typed_at = 0.0

    def begin(self) -> None:
        """Start over for another run."""
        self._player.begin()
        self._strips.clear()

    def update_from(self, of: int, tape: Tape, live: bool) -> None:
        """Show a terminal. ``of``: the pid of the console's process; ``live``: there is a process to send input to."""
        self._live = live
        if self._player.look_at(of, tape):
            self._back = 0
        self._go_on()

    @staticmethod
    def fit(size: Size) -> tuple[int, int]:
        """Return the rows and columns of a terminal that fits into a widget of this size."""
        return max(size.height, _MIN_ROWS), max(size.width, _MIN_COLUMNS)

    @property
    def following(self) -> bool:
        """Whether the end is in sight and followed."""
        return self._back == 0

    @property
    def expects(self) -> bool:
        """Whether a key was pressed just now, so that its effect should be shown at once."""
        return time.monotonic() - self._typed_at < _SOON_S

    # Playing

    def _go_on(self) -> None:
        """Play for a moment, and schedule the next one if there is more."""
        self._stop()
        done = self._player.play(_PLAY_S)
        answers = self._player.answers()
        if answers and self._live:
            self.post_message(self.Typed(answers, automatic=True))
        if not done or self._is_disturbed():
            self._going_on = self.set_timer(_PAUSE_S, self._go_on)
        if not self._waits_since:
            self.update_lines()

    def _stop(self) -> None:
        if self._going_on is not None:
            self._going_on.stop()
            self._going_on = None

    def _is_disturbed(self) -> bool:
        """Whether the program is in the middle of painting: drawing waits until it is done, or for at most 0.3 s."""
        emulator, now = self._player.emulator, time.monotonic()
        if emulator is None or not emulator.waits:
            self._waits_since = None
            return False
        since = self._waits_since = self._waits_since or now
        if now - since > _MAX_WAIT_S:
            self._waits_since = None
            return False
        return True

    # Drawing

    def draw(self, width: int, height: int) -> list[Strip]:
        """Return the rows in sight of the screen and the lines above it."""
        emulator = self._player.emulator
        if emulator is None:
            return []
        if self._back:  # keep the rows in sight in place
            self._back = min(self._back + emulator.left - self._left_before, self._most_back(emulator, height))
        self._left_before = emulator.left
        for row in emulator.changed():
            self._strips.pop(row, None)
        top = self._top(emulator, height)
        strips = [self._strip(emulator, row, width) for row in range(top, min(top + height, emulator.rows))]
        return self._with_cursor(emulator, strips, top)

    def _top(self, emulator: Emulator, height: int) -> int:
        """Return the first row in sight; rows above the screen are negative."""
        return max(self._end_top(emulator, height) - self._back, -emulator.history)

    def _end_top(self, emulator: Emulator, height: int) -> int:
        """Return the first row of the end of the screen. If the terminal has more rows than fit, the cursor's row is
        the last one in sight."""
        last = emulator.cursor[0] if emulator.cursor is not None else 0
        return max(min(last, emulator.rows - 1) - height + 1, 0)

    def _most_back(self, emulator: Emulator, height: int) -> int:
        return self._end_top(emulator, height) + emulator.history

    def _strip(self, emulator: Emulator, row: int, width: int) -> Strip:
        known = self._strips.get(row) if row >= 0 else None
        if known is None:
            end = ("", self.palette.text)
            known = line([*((text, self.palette.look(look)) for text, look in emulator.line(row)), end], width)
            if row >= 0:
                self._strips[row] = known
        return known

    def _with_cursor(self, emulator: Emulator, strips: list[Strip], top: int) -> list[Strip]:
        if emulator.cursor is None or not self._live or not top <= emulator.cursor[0] < top + len(strips):
            return strips
        row, column = emulator.cursor[0] - top, emulator.cursor[1]
        strip = strips[row]
        end = column + emulator.cursor_width
        if end > strip.cell_length:
            return strips
        parts = strip.divide([column, end, strip.cell_length])
        under = parts[1] if "".join(part.text for part in parts[1]) else Strip([Segment(" ")])
        style = _CURSOR if self.has_focus else _CURSOR_ELSEWHERE
        strips[row] = Strip.join([parts[0], under.apply_style(style), *parts[2:]])
        if self.has_focus:
            self.app.cursor_position = self.content_region.offset + Offset(column, row)
        return strips

    def redraw(self) -> None:
        self._strips.clear()
        super().redraw()
        self._tell_background()

    def _tell_background(self) -> None:
        """Set the colour that is reported to programs that ask whether the terminal is dark."""
        colour = self.rich_style.bgcolor
        if colour is not None:
            red, green, blue = colour.get_truecolor()
            self._player.background = red, green, blue

    def move(self, by: int) -> None:
        emulator = self._player.emulator
        if emulator is not None:
            self._back = max(min(self._back - by, self._most_back(emulator, self.size.height)), 0)
            self._left_before = emulator.left

    def scroll_pages(self, by: int) -> None:
        self.scroll_lines(by * max(self.size.height - 1, 1))

    def follow(self) -> None:
        """Go to the end and follow it."""
        self.let_go()
        self._back = 0
        self.update_lines()

    # Keys

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_focus(self) -> None:
        self._tell_focus(True)

    def on_blur(self) -> None:
        self._tell_focus(False)

    def _tell_focus(self, on: bool) -> None:
        emulator = self._player.emulator
        if emulator is not None and self._live:
            self._send(emulator.focus(on), automatic=True)
        self.update_lines()

    def on_key(self, event: events.Key) -> None:
        """Send the key to the program, unless it is the one that leaves the terminal."""
        emulator = self._player.emulator
        if emulator is None or event.key in keys_of(_LEAVE, config_of(self).keymap).split(","):
            return
        event.stop()
        event.prevent_default()
        self.let_go()
        key: Pressed | None = pressed(event.key, event.character)
        if key is not None:
            self._typed_at = time.monotonic()
            self._back = 0
            self._send(emulator.key(*key))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self._player.emulator is not None:
            self._send(self._player.emulator.paste(event.text))

    def _send(self, text: str, automatic: bool = False) -> None:
        if text:
            self.post_message(self.Typed(text, automatic))

    # The mouse

    @property
    def allow_select(self) -> bool:
        """Whether text can be selected: not while the program wants mouse events."""
        emulator = self._player.emulator
        return super().allow_select and not (self.can_focus and emulator is not None and emulator.wants_mouse)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._mouse(event, event.button - 1, "press")

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._mouse(event, event.button - 1, "release")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._mouse(event, event.button - 1, "move")

    def wheel(self, event: events.MouseEvent, by: int) -> None:
        """Send the wheel to the program if it wants mouse events or has the whole screen; otherwise scroll."""
        emulator = self._player.emulator
        if emulator is not None and self.has_focus and emulator.wants_mouse:
            self._mouse(event, _WHEEL_DOWN if by > 0 else _WHEEL_UP, "press")
        elif emulator is not None and self.has_focus and emulator.whole_screen:
            self._send(emulator.key("down" if by > 0 else "up", None, ()) * WHEEL)
        else:
            super().wheel(event, by)

    def _mouse(self, event: events.MouseEvent, button: int, what: str) -> None:
        emulator = self._player.emulator
        place = event.get_content_offset(self)
        if emulator is None or not self.has_focus or place is None or self._back:
            return
        row, column = place.y + self._top(emulator, self.size.height), place.x
        if row < emulator.rows and column < emulator.columns:
            held = [name for name, on in (("shift", event.shift), ("alt", event.meta), ("ctrl", event.ctrl)) if on]
            self._send(emulator.mouse(row, column, button, what, held))
