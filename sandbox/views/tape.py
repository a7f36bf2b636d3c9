"""What the terminal of a process was sent, in the order in which it was: whoever plays it sees its screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

from sandbox.model.events import Wrote

#: Of each terminal, so many characters are kept.
MAX_CHARACTERS = 1_000_000
#: Shorter pieces are joined, so that there are not too many of them.
_MIN_PIECE = 4_096


def sent(event: Wrote) -> str:
    """What a terminal was sent when this was written."""
    return event.text.replace("\n", "\r\n") if event.raw is None else event.raw


class Size(NamedTuple):
    """From here on the terminal is so large."""

    rows: int
    columns: int


class Tape:
    """Grows piece by piece. A place on it is a number that stays the same, whatever has been forgotten before it."""

    def __init__(self, size: Size) -> None:
        #: The oldest place that is kept, and how large the terminal was there.
        self.first = 0
        self.size = size
        #: How large it is at the end.
        self.latest = size
        self.end = 0
        self._pieces: deque[tuple[int, str | Size]] = deque()

    def copy(self) -> Tape:
        """One of its own; pieces never change."""
        tape = copy(self)
        tape._pieces = self._pieces.copy()
        return tape

    def write(self, text: str) -> None:
        """The terminal was sent this."""
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
        """The terminal is so large from now on."""
        self._pieces.append((self.end, size))
        self.latest = size
        self.end += 1

    def _forget(self) -> None:
        _, piece = self._pieces.popleft()
        if isinstance(piece, Size):
            self.size = piece
        self.first = self._pieces[0][0]

    def since(self, place: int) -> Iterator[str | Size]:
        """What follows a place that is kept."""
        for start, piece in self._from(place):
            yield piece[place - start :] if isinstance(piece, str) and place > start else piece

    def at(self, place: int) -> str | Size:
        """What is at a place that is kept: all text up to where it changes its size, or that size."""
        texts: list[str] = []
        for piece in self.since(place):
            if isinstance(piece, Size):
                if not texts:
                    return piece
                break
            texts.append(piece)
        return "".join(texts)

    def _from(self, place: int) -> list[tuple[int, str | Size]]:
        """The pieces that end beyond a place; mostly it is near the end."""
        found: list[tuple[int, str | Size]] = []
        for start, piece in reversed(self._pieces):
            if start + (len(piece) if isinstance(piece, str) else 1) <= place:
                break
            found.append((start, piece))
        return found[::-1]
