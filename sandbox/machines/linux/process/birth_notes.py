"""Shared memory through which a new child reports, before its first stop, what was refused to it and what it lacks."""

from __future__ import annotations

import mmap
from typing import NamedTuple

#: The bytes per pending birth.
_SLOT = 512


class DoneWithout(NamedTuple):
    """Something that was refused to a process that can do without it: the rule of the fault that tells it, and the
    reason."""

    rule: str
    reason: str


class BirthNotes:
    """Memory shared with our children, with one slot for each of ``slots`` births that may be pending at once."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SLOT)
        self._slots = slots

    def clear(self, birth: int) -> None:
        """Empty the slot of a birth. To be called before the fork."""
        self._memory[birth % self._slots * _SLOT] = 0

    def write(self, birth: int, *words: str) -> None:
        """Add a line of tab-separated words to the slot. To be called in the child."""
        start = birth % self._slots * _SLOT
        written = self._memory.find(b"\0", start) - start
        line = "\t".join(words).encode()[: _SLOT - written - 2] + b"\n\0"
        self._memory[start + written : start + written + len(line)] = line

    def refusal(self, birth: int) -> str:
        """Return why the child could not go on; "" if it could, or did not say."""
        return next((words[0] for words in self._lines(birth) if len(words) == 1), "")

    def done_without(self, birth: int) -> list[DoneWithout]:
        """Return what was refused to the child although it could go on."""
        return [DoneWithout(*words) for words in self._lines(birth) if len(words) == 2]

    def _lines(self, birth: int) -> list[list[str]]:
        start = birth % self._slots * _SLOT
        text = self._memory[start : start + _SLOT].partition(b"\0")[0].decode(errors="replace")
        return [line.split("\t") for line in text.splitlines()]
