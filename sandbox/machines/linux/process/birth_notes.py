"""What a child tells of its birth before its first stop, when it has no other way to: what was refused to it, and what
it could do without."""

from __future__ import annotations

import mmap
from typing import NamedTuple

#: In bytes, for each birth that is under way.
_SLOT = 512


class DoneWithout(NamedTuple):
    """Something that a process can do without: the rule of the fault that tells of it, and why it was refused."""

    rule: str
    reason: str


class BirthNotes:
    """Memory that children share with us, a slot for each of so many births that may be under way."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SLOT)
        self._slots = slots

    def clear(self, birth: int) -> None:
        """Before the fork."""
        self._memory[birth % self._slots * _SLOT] = 0

    def write(self, birth: int, *words: str) -> None:
        """In the child: add a line."""
        start = birth % self._slots * _SLOT
        written = self._memory.find(b"\0", start) - start
        line = "\t".join(words).encode()[: _SLOT - written - 2] + b"\n\0"
        self._memory[start + written : start + written + len(line)] = line

    def refusal(self, birth: int) -> str:
        """Why it could not go on; "" where it could, or did not say."""
        return next((words[0] for words in self._lines(birth) if len(words) == 1), "")

    def done_without(self, birth: int) -> list[DoneWithout]:
        """What it could do without."""
        return [DoneWithout(*words) for words in self._lines(birth) if len(words) == 2]

    def _lines(self, birth: int) -> list[list[str]]:
        start = birth % self._slots * _SLOT
        text = self._memory[start : start + _SLOT].partition(b"\0")[0].decode(errors="replace")
        return [line.split("\t") for line in text.splitlines()]
