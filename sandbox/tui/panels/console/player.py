"""Plays what a terminal was sent to an emulator, as far as one looks: forward a piece at a time, back from anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.views.tape import Size, Tape

if TYPE_CHECKING:
    from sandbox.tui.panels.console.emulator import Emulator

#: A terminal that has so much more to show than it can leaves out what nobody could have read, but for the end.
_MAX_BEHIND, _END = 1 << 18, 1 << 16


class Player:
    """The screen of one terminal at a time. What it is asked there is answered once, and only from when on it is first
    looked at."""

    def __init__(self) -> None:
        self.emulator: Emulator | None = None
        #: Of the panel, in red, green and blue; programs ask for it to know whether it is dark.
        self.background: tuple[int, int, int] | None = None
        self._of: object = None
        self._tape: Tape | None = None
        #: How far the tape has been played.
        self._place = 0
        #: How long the tape was when that began: so much was there to be caught up with, however long it takes.
        self._began = 0
        #: Of each terminal, up to where its questions need no answer any more.
        self._answered: dict[object, int] = {}

    def begin(self) -> None:
        """Another run: its terminals are others, whatever their pids."""
        self.emulator = self._of = self._tape = None
        self._place = self._began = 0
        self._answered = {}

    def look_at(self, of: object, tape: Tape) -> bool:
        """From now on this terminal is looked at, as its tape says; whether that is another one than before."""
        other = of != self._of
        if other or self._place > tape.end:
            self._begin(tape)
        elif self._place < tape.first or tape.end - max(self._place, self._began) > _MAX_BEHIND:
            self._skip_to(max(tape.end - _END, tape.first), tape.latest)
        self._of, self._tape = of, tape
        self._answered.setdefault(of, tape.end)
        return other

    def _begin(self, tape: Tape) -> None:
        from sandbox.tui.panels.console.emulator import Emulator

        self._place, self._began = tape.first, tape.end
        self.emulator = Emulator(*tape.size, self.background)

    def _skip_to(self, place: int, size: Size) -> None:
        """Its modes stay as they are: they are those of the program that has it, more likely than any other."""
        self._place = self._began = place
        if self.emulator is not None:
            self.emulator.skip()
            self.emulator.resize(*size)

    def play(self, for_s: float) -> bool:
        """Go on for so long at most; whether all of it has been played."""
        tape, emulator = self._tape, self.emulator
        if tape is None or emulator is None:
            return True
        give_up = time.monotonic() + for_s
        done = emulator.feed("", for_s)
        while done and self._place < tape.end and time.monotonic() < give_up:
            piece = tape.at(self._place)
            if isinstance(piece, Size):
                emulator.resize(*piece)
                self._place += 1
            else:
                done = emulator.feed(piece, max(give_up - time.monotonic(), 0))
                self._place += len(piece)
        return done and self._place >= tape.end

    def answers(self) -> str:
        """What the terminal answers to what it has been asked since the last time."""
        answers = self.emulator.answers() if self.emulator is not None else ""
        if self._place <= self._answered.get(self._of, 0):
            return ""
        self._answered[self._of] = self._place
        return answers
