"""The screen of a process's terminal, and its keyboard while it has the keys."""

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

#: Of each time so long, it is played for so long; the CPU is the processes'.
_PLAY_S, _PAUSE_S = 0.012, 0.03
#: Who paints and says so is not disturbed for so long.
_MAX_WAIT_S = 0.3
#: After a key, what comes of it is wanted at once for so long.
_SOON_S = 0.5
#: No terminal is smaller.
_MIN_ROWS, _MIN_COLUMNS = 2, 10
_WHEEL_UP, _WHEEL_DOWN = 64, 65
_LEAVE = next(action for action in ACTIONS if action.id == "terminal_leave")
_CURSOR, _CURSOR_ELSEWHERE = Style(reverse=True), Style(underline=True)


class TerminalScreen(ScrolledLines, TakesAllKeys, can_focus=True):
    """While it has the keys, each of them goes to the program as a terminal sends it, but the one that leaves."""

    DEFAULT_CLASSES = "framed main"
    BINDINGS: ClassVar[list[BindingType]] = bindings("terminal")

    class Typed(Message):
        """Something for the program. ``automatic``: nobody pressed a key for it."""

        def __init__(self, text: str, automatic: bool = False) -> None:
            super().__init__()
            self.text, self.automatic = text, automatic

    class Left(Message):
        """The keys are to do again what they do elsewhere."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._player = Player()
        self._live = False
        #: How many rows above its end one looks.
        self._back = 0
        self._left_before = 0
        self._strips: dict[int, Strip] = {}
        self._going_on: Timer | None = None
        self._waits_since: float | None = None
        self._typed_at = 0.0

    def begin(self) -> None:
        """Another run."""
        self._player.begin()
        self._strips.clear()

    def update_from(self, of: int, tape: Tape, live: bool) -> None:
        """``of``: the pid of whose terminal it is; ``live``: somebody is there who can be told something."""
        self._live = live
        if self._player.look_at(of, tape):
            self._back = 0
        self._go_on()

    @staticmethod
    def fit(size: Size) -> tuple[int, int]:
        """Rows and columns of a terminal for which there is so much room."""
        return max(size.height, _MIN_ROWS), max(size.width, _MIN_COLUMNS)

    @property
    def following(self) -> bool:
        """Whether the end is in sight, and stays so."""
        return self._back == 0

    @property
    def expects(self) -> bool:
        """Whether somebody has just pressed a key, and waits to see what comes of it."""
        return time.monotonic() - self._typed_at < _SOON_S

    # Playing

    def _go_on(self) -> None:
        """Play on for a moment, and again soon if that was not all."""
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
        """Whether the program is in the middle of painting: nothing is drawn until it is done, or takes too long."""
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
        """What is in sight of the screen and the lines above it."""
        emulator = self._player.emulator
        if emulator is None:
            return []
        if self._back:  # what is looked at stands still
            self._back = min(self._back + emulator.left - self._left_before, self._most_back(emulator, height))
        self._left_before = emulator.left
        for row in emulator.changed():
            self._strips.pop(row, None)
        top = self._top(emulator, height)
        strips = [self._strip(emulator, row, width) for row in range(top, min(top + height, emulator.rows))]
        return self._with_cursor(emulator, strips, top)

    def _top(self, emulator: Emulator, height: int) -> int:
        """The first row in sight; those above the screen are below 0."""
        return max(self._end_top(emulator, height) - self._back, -emulator.history)

    def _end_top(self, emulator: Emulator, height: int) -> int:
        """That of a terminal which has more rows than there is room for, so that its cursor is in sight."""
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
        """What programs are told that ask whether it is dark."""
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
        """To the end, and stay there."""
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
        """All of them are the program's, but the one that leaves."""
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
        """Whoever wants the mouse has it."""
        emulator = self._player.emulator
        return super().allow_select and not (self.can_focus and emulator is not None and emulator.wants_mouse)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._mouse(event, event.button - 1, "press")

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._mouse(event, event.button - 1, "release")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._mouse(event, event.button - 1, "move")

    def wheel(self, event: events.MouseEvent, by: int) -> None:
        """It is the program's if that wants it, or has the whole screen; else it scrolls."""
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
