"""A process that is sent on an errand: it ends with whoever sent it, and only its messages reach him, one JSON object a
line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import msgspec

from sandbox.model.events import Clause


class Message(msgspec.Struct, frozen=True, tag_field="message"):
    """Something that it tells."""


class Refusal(Message, frozen=True, tag=True):
    """There is nothing to do."""

    faults: list[tuple[str, Clause]]


encode = msgspec.json.Encoder().encode


def begin() -> Callable[[Message], None]:
    """Arm this process, and give what tells its messages. What policies print from now on goes nowhere."""
    if sys.platform == "linux":
        from sandbox.util import libc

        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    upward = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def tell(message: Message) -> None:
        upward.write(encode(message) + b"\n")
        upward.flush()

    return tell
