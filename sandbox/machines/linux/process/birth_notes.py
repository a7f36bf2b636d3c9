"""What a child tells of its birth before its first stop, when it has no other way to: what was refused to it, and what
it could do without."""

from __future__ import annotations

import linecache
import mmap
import re
from itertools import islice
from types import TracebackType
from typing import NamedTuple

from sandbox.util import libc

#: In bytes, for each birth that is under way.
_SLOT = 512
_CALLED = re.compile(r"(?:\w+\.)*(\w+)")


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


def refused(error: OSError) -> str:
    """What was refused: the call, and the system's reason."""
    call, reason = refused_call(error), error.strerror or str(error)
    return f"{call}: {reason}" if call else reason


def refused_call(error: OSError) -> str:
    """The name of the function in which it happened, which for most is that of the system call; "": nobody knows."""
    trace = error.__traceback__
    last: TracebackType | None = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == libc.__file__:
            return trace.tb_frame.f_code.co_name
        last, trace = trace, trace.tb_next
    if last is None:
        return ""
    code = last.tb_frame.f_code
    line, _, start, _ = next(islice(code.co_positions(), last.tb_lasti // 2, None), (None, None, None, None))
    if line is None or start is None:
        return ""
    called = _CALLED.match(linecache.getline(code.co_filename, line).encode()[start:].decode(errors="replace"))
    return called[1] if called else ""
