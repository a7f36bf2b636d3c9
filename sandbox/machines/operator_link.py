"""What a machine needs of the link to whoever sits at the terminal."""

from __future__ import annotations

from typing import Protocol

from sandbox.model.commands import Command


class OperatorLink(Protocol):
    """Where commands come from: the link to whoever sits at the terminal. Times are of CLOCK_MONOTONIC."""

    def fileno(self) -> int: ...

    def read(self) -> list[Command]:
        """The commands that have come since."""
        ...

    def dismissed(self) -> bool:
        """Whether the other end is gone or has asked us to quit; the command itself still comes."""
        ...

    def check(self) -> list[Command]:
        """What follows from the time alone: nobody has been heard for too long."""
        ...

    @property
    def next_check_ns(self) -> int | None:
        """When to check."""
        ...

    @property
    def behind(self) -> bool:
        """Whether too much is waiting to be read at the other end."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the other end is gone: then nothing is done politely."""
        ...
