"""What travels between the terminal's process and the kernel process: commands down, events up.

One socket pair, one JSON object a line each way. An empty line is a heartbeat: it tells the kernel process that
somebody is still there. A closed link means that the other side is gone.
"""

from __future__ import annotations

import os
from functools import cache
from typing import IO

import msgspec

from sandbox.model.commands import AnyCommand
from sandbox.model.spec import Boot

#: How often the terminal's process sends a heartbeat, in seconds.
HEARTBEAT_S = 0.25

encode_command = encode_boot = msgspec.json.Encoder().encode


def decode_boot(line: bytes) -> Boot:
    """What is to be run. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=Boot)


def decode_command(line: bytes) -> AnyCommand:
    """A command. Raises msgspec.DecodeError."""
    return _commands().decode(line)


@cache
def _commands() -> msgspec.json.Decoder[AnyCommand]:
    return msgspec.json.Decoder(AnyCommand)


class Lines:
    """Bytes in, whole lines out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines


def last_words(stderr: IO[bytes], most: int) -> str:
    """The end of what a process wrote into the file that is its standard error, of so many bytes at most: that tells
    why it died, and comes when nothing travels any more."""
    stderr.seek(max(stderr.seek(0, os.SEEK_END) - most, 0))
    return stderr.read().decode(errors="replace").strip()
