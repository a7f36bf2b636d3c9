"""The protocol between the terminal's process and the kernel process.

Commands and events are JSON objects, one per line, over a pair of sockets. An empty line is a heartbeat, which tells
the kernel process that the terminal's process is alive. A closed link means that the other side has ended.
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
    """Decode what is to be run. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=Boot)


def decode_command(line: bytes) -> AnyCommand:
    """Decode a command. Raises msgspec.DecodeError."""
    return _commands().decode(line)


@cache
def _commands() -> msgspec.json.Decoder[AnyCommand]:
    return msgspec.json.Decoder(AnyCommand)


class Lines:
    """Splits a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now, without line breaks."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines


def last_words(stderr: IO[bytes], most: int) -> str:
    """Return the end of a process's standard error, which is a file, as text of at most ``most`` bytes. It tells why
    the process has died when no messages arrive any more."""
    stderr.seek(max(stderr.seek(0, os.SEEK_END) - most, 0))
    return stderr.read().decode(errors="replace").strip()
