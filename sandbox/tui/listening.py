"""Calling a function when something can be read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from select import select
from typing import Protocol

#: The polling interval in seconds where Textual's event loop cannot wait for sockets (on Windows).
_LOOK_S = 0.02


class Source(Protocol):
    """A socket, or an object with one."""

    def fileno(self) -> int: ...


class Listening:
    """Calls ``heard`` whenever there is something to read. It must be stopped before the source is closed."""

    def __init__(self, source: Source, heard: Callable[[], None]) -> None:
        self._source, self._heard = source, heard
        self._loop = asyncio.get_running_loop()
        self._look: asyncio.TimerHandle | None = None
        if sys.platform == "win32":
            self._look_later()
        else:
            self._loop.add_reader(source.fileno(), heard)

    def stop(self) -> None:
        """Stop calling ``heard``."""
        if self._look is None:
            self._loop.remove_reader(self._source.fileno())
        else:
            self._look.cancel()

    def _look_later(self) -> None:
        self._look = self._loop.call_later(_LOOK_S, self._look_now)

    def _look_now(self) -> None:
        self._look_later()
        if select([self._source], [], [], 0)[0]:
            self._heard()
