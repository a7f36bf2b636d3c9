"""Plays what a terminal was sent to an emulator, as far as one looks: forward a piece at a time, back from anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.views.tape import Size, Tape

if TYPE_CHECKING:
    from sandbox.tui.panels.console.emulator import Emulator

#: Characters of a terminal that is behind what is kept of it: the rest is what it goes on with.
_MAX_LEFT_BEHIND = 1 << 16


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
        #: Of each terminal, up to where its questions need no answer any more.
        self._answered: dict[object, int] = {}

    def look_at(self, of: object, tape: Tape) -> bool:
        """From now on this terminal is looked at, as its tape says; whether that is another one than before."""
        other = of != self._of
        lost = self._place < tape.first  # it was sent more than we could keep up with
        if other or lost or self._place > tape.end:
            self._begin(tape, tape.end - _MAX_LEFT_BEHIND if lost and not other else tape.first)
        self._of, self._tape = of, tape
        self._answered.setdefault(of, tape.end)
        return other

    def _begin(self, tape: Tape, place: int) -> None:
        from sandbox.tui.panels.console.emulator import Emulator

        self._place = max(place, tape.first)
        self.emulator = Emulator(*tape.size, self.background)

    def play(self, for_s: float) -> bool:
        """Go on for so long at most; whether all of it has been played."""
        tape, emulator = self._tape, self.emulator
        if tape is None or emulator is None:
            return True
        give_up = time.monotonic() + for_s
        done = emulator.feed("", for_s)
        for piece in tape.since(self._place) if done else ():
            if isinstance(piece, Size):
                emulator.resize(*piece)
                self._place += 1
            else:
                done = emulator.feed(piece, max(give_up - time.monotonic(), 0))
                self._place += len(piece)
            if not done or time.monotonic() >= give_up:
                break
        return done and self._place >= tape.end

    def answers(self) -> str:
        """What the terminal answers to what it has been asked since the last time."""
        answers = self.emulator.answers() if self.emulator is not None else ""
        if self._place <= self._answered.get(self._of, 0):
            return ""
        self._answered[self._of] = self._place
        return answers
