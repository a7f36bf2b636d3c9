"""The interface of the link to the operator, as machines use it."""

from __future__ import annotations

from typing import Protocol

from sandbox.model.commands import Command


class OperatorLink(Protocol):
    """The link from which commands come. Times are of CLOCK_MONOTONIC."""

    def fileno(self) -> int: ...

    def read(self) -> list[Command]:
        """Return the commands that have arrived."""
        ...

    def dismissed(self) -> bool:
        """Whether the other end is closed or has sent Quit; the command itself is still returned later."""
        ...

    def check(self) -> list[Command]:
        """Return commands that are due by the time alone, such as a pause when heartbeats are missing."""
        ...

    @property
    def next_check_ns(self) -> int | None:
        """When to call ``check`` next; None: not by itself."""
        ...

    @property
    def behind(self) -> bool:
        """Whether the other end has too much unread input."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the other end is closed, so that processes are ended without a grace period."""
        ...
