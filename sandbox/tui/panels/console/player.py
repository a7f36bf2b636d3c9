"""Feeding the recorded output of a terminal to an emulator, up to the point looked at: forward in pieces, back from the
start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.views.tape import Size, Tape

if TYPE_CHECKING:
    from sandbox.tui.panels.console.emulator import Emulator

#: A terminal with more pending output than the first number of characters skips all but the last part, as the skipped
#: output could not have been read anyway.
_MAX_BEHIND, _END = 1 << 18, 1 << 16


class Player:
    """Plays the tape of one terminal at a time. Each query on it is answered once, and only if it came after the
    terminal was first looked at."""

    def __init__(self) -> None:
        self.emulator: Emulator | None = None
        #: The panel's background, in red, green and blue, reported to programs that ask whether the terminal is dark.
        self.background: tuple[int, int, int] | None = None
        self._of: object = None
        self._tape: Tape | None = None
        #: The place up to which the tape has been played.
        self._place = 0
        #: The end of the tape when playing began: output up to there is not skipped, however long it takes.
        self._began = 0
        #: For each terminal, the place up to which queries need no answer any more.
        self._answered: dict[object, int] = {}

    def begin(self) -> None:
        """Start over for another run, whose terminals are different even if their pids are not."""
        self.emulator = self._of = self._tape = None
        self._place = self._began = 0
        self._answered = {}

    def look_at(self, of: object, tape: Tape) -> bool:
        """Show this terminal, as its tape tells. Returns whether it is another terminal than before."""
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
        """Skip to a place on the tape. The emulator's modes are kept: most likely they are still those of the same
        program."""
        self._place = self._began = place
        if self.emulator is not None:
            self.emulator.skip()
            self.emulator.resize(*size)

    def play(self, for_s: float) -> bool:
        """Play for at most ``for_s`` seconds. Returns whether all has been played."""
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
        """Return the terminal's answers to new queries."""
        answers = self.emulator.answers() if self.emulator is not None else ""
        if self._place <= self._answered.get(self._of, 0):
            return ""
        self._answered[self._of] = self._place
        return answers
