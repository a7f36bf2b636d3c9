"""Waits for descriptors with ``select``, because some systems cannot wait for terminals in another way."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import select
import time
from collections.abc import Callable

from sandbox.util.units import S


class Poller:
    """A set of descriptors, each with a handler that is called when it is readable."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[], None]] = {}
        self._muted: set[int] = set()

    def add(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever the descriptor is readable."""
        self._handlers[descriptor] = handler

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor, before it is closed."""
        self._handlers.pop(descriptor, None)
        self._muted.discard(descriptor)

    def mute(self, descriptor: int) -> None:
        """Do not wait for a descriptor for now."""
        self._muted.add(descriptor)

    def unmute(self, descriptor: int) -> None:
        """Wait for a descriptor again."""
        self._muted.discard(descriptor)

    def wait(self, until_ns: int) -> None:
        """Wait until a descriptor is readable, at most until ``until_ns`` (CLOCK_MONOTONIC), and call the handlers."""
        left_ns = max(until_ns - time.monotonic_ns(), 0)
        heard = [descriptor for descriptor in self._handlers if descriptor not in self._muted]
        for descriptor in select.select(heard, (), (), left_ns / S)[0]:
            if (handler := self._handlers.get(descriptor)) is not None:  # else one before it has closed it
                handler()
