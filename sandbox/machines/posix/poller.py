"""One wait for everything. It is ``select``: not on every system can terminals be waited for in another way."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import select
import time
from collections.abc import Callable

from sandbox.util.units import S


class Poller:
    """Descriptors, each with what to do when it can be read."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[], None]] = {}
        self._muted: set[int] = set()

    def add(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever the descriptor can be read."""
        self._handlers[descriptor] = handler

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor (before it is closed)."""
        self._handlers.pop(descriptor, None)
        self._muted.discard(descriptor)

    def mute(self, descriptor: int) -> None:
        """Look no more at it for a while."""
        self._muted.add(descriptor)

    def unmute(self, descriptor: int) -> None:
        """Look at it again."""
        self._muted.discard(descriptor)

    def wait(self, until_ns: int) -> None:
        """Handle what is ready; wait for it until then (CLOCK_MONOTONIC)."""
        left_ns = max(until_ns - time.monotonic_ns(), 0)
        heard = [descriptor for descriptor in self._handlers if descriptor not in self._muted]
        for descriptor in select.select(heard, (), (), left_ns / S)[0]:
            if (handler := self._handlers.get(descriptor)) is not None:  # else one before it has closed it
                handler()
