"""Being called when something can be read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from select import select
from typing import Protocol

#: Where the loop of Textual waits for no socket (on Windows), it is looked at so often.
_LOOK_S = 0.02


class Source(Protocol):
    """A socket, or what stands for one."""

    def fileno(self) -> int: ...


class Listening:
    """Has ``heard`` called whenever there is something to read, until it is stopped, which has to be done before the
    source is closed."""

    def __init__(self, source: Source, heard: Callable[[], None]) -> None:
        self._source, self._heard = source, heard
        self._loop = asyncio.get_running_loop()
        self._look: asyncio.TimerHandle | None = None
        if sys.platform == "win32":
            self._look_later()
        else:
            self._loop.add_reader(source.fileno(), heard)

    def stop(self) -> None:
        """Call nobody any more."""
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
