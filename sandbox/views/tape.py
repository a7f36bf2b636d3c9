"""A record of everything sent to the terminal of a process; playing it to a terminal emulator shows the screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

from sandbox.model.events import Wrote

#: The most characters that are kept of each terminal.
MAX_CHARACTERS = 1_000_000
#: Pieces shorter than this are joined with the next one, to limit their number.
_MIN_PIECE = 4_096


def sent(event: Wrote) -> str:
    """Return what the terminal was sent for an event."""
    return event.text.replace("\n", "\r\n") if event.raw is None else event.raw


class Size(NamedTuple):
    """The size of a terminal from a place on the tape on."""

    rows: int
    columns: int


class Tape:
    """A record of the text sent to a terminal and of changes of its size. A place on it is a number that stays valid
    when older parts are dropped; text takes one place per character, a change of size takes one."""

    def __init__(self, size: Size) -> None:
        #: The oldest place that is kept, and the size of the terminal there.
        self.first = 0
        self.size = size
        #: The size of the terminal at the end of the tape.
        self.latest = size
        self.end = 0
        self._pieces: deque[tuple[int, str | Size]] = deque()

    def copy(self) -> Tape:
        """Return an independent copy; pieces are shared, as they never change."""
        tape = copy(self)
        tape._pieces = self._pieces.copy()
        return tape

    def write(self, text: str) -> None:
        """Append text that was sent to the terminal."""
        if not text:
            return
        last = self._pieces[-1] if self._pieces else None
        if last is not None and isinstance(last[1], str) and len(last[1]) < _MIN_PIECE:
            self._pieces[-1] = last[0], last[1] + text
        else:
            self._pieces.append((self.end, text))
        self.end += len(text)
        while self.end - self.first > MAX_CHARACTERS and len(self._pieces) > 1:
            self._forget()

    def resize(self, size: Size) -> None:
        """Append a change of the terminal's size."""
        self._pieces.append((self.end, size))
        self.latest = size
        self.end += 1

    def _forget(self) -> None:
        _, piece = self._pieces.popleft()
        if isinstance(piece, Size):
            self.size = piece
        self.first = self._pieces[0][0]

    def since(self, place: int) -> Iterator[str | Size]:
        """Yield everything from a place on, which must be kept."""
        for start, piece in self._from(place):
            yield piece[place - start :] if isinstance(piece, str) and place > start else piece

    def at(self, place: int) -> str | Size:
        """Return what is at a place that is kept: all text up to the next change of size, or the new size; "" at the
        end."""
        texts: list[str] = []
        for piece in self.since(place):
            if isinstance(piece, Size):
                if not texts:
                    return piece
                break
            texts.append(piece)
        return "".join(texts)

    def _from(self, place: int) -> list[tuple[int, str | Size]]:
        """Return the pieces that end after a place. The search starts at the end, as most places are near it."""
        found: list[tuple[int, str | Size]] = []
        for start, piece in reversed(self._pieces):
            if start + (len(piece) if isinstance(piece, str) else 1) <= place:
                break
            found.append((start, piece))
        return found[::-1]
