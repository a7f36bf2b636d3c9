"""Waits for descriptors, and until a time with microsecond resolution."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import select
import time
from collections.abc import Callable

from sandbox.machines.linux.delay import Delay
from sandbox.util import libc
from sandbox.util.units import US, S

#: The initial estimate, and the greatest value that counts: a longer delay means that something else had our CPU.
_USUAL_LATENESS_NS, _MAX_LATENESS_NS = 60 * US, 200 * US


class Poller:
    """An epoll instance with a handler for each descriptor.

    Time-outs of epoll are whole milliseconds, so ``select`` is used to wait for it: at the end of a slice this takes
    one system call, a timerfd three, and system calls are slow after a sleep.

    ``lateness``: how late waits usually end; ``timed_out``: whether nothing was ready after the last wait; ``woke_ns``:
    when that has ended (CLOCK_MONOTONIC).
    """

    def __init__(self) -> None:
        self.lateness = Delay(_USUAL_LATENESS_NS, _MAX_LATENESS_NS)
        self.timed_out = False
        self.woke_ns = 0
        self._epoll = select.epoll()
        self._waits_for = (self._epoll.fileno(),)
        self._handlers: dict[int, Callable[[], None] | None] = {}
        libc.prctl(libc.PR_SET_TIMERSLACK, 1)  # else waits last some 50 µs longer

    def add(self, descriptor: int, handler: Callable[[], None] | None) -> None:
        """Call ``handler`` whenever the descriptor is readable; None: it only ends a wait."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor, also a muted one, before it is closed."""
        if descriptor in self._handlers:
            del self._handlers[descriptor]
            try:
                self._epoll.unregister(descriptor)
            except FileNotFoundError:
                pass

    def mute(self, descriptor: int) -> None:
        """Ignore a descriptor that is not read for a while, because it would be reported as readable all the time."""
        if descriptor in self._handlers:
            self._epoll.unregister(descriptor)

    def unmute(self, descriptor: int) -> None:
        """Wait for a muted descriptor again."""
        if descriptor in self._handlers:
            self._epoll.register(descriptor, select.EPOLLIN)

    def wait(self, until_ns: int, roughly: bool = False) -> bool:
        """Wait until a descriptor is readable, at most until ``until_ns`` (CLOCK_MONOTONIC), and call the handlers.
        Returns whether one was called. ``roughly``: the end need not be exact, and does not count for ``lateness``."""
        left_ns = until_ns - time.monotonic_ns()
        ready, _, _ = select.select(self._waits_for, (), (), left_ns / S if left_ns > 0 else 0)
        self.woke_ns = time.monotonic_ns()
        if not roughly:
            self.lateness.took(self.woke_ns - until_ns)
        self.timed_out = not ready
        if not ready:
            return False
        handlers, handled = self._handlers, False
        for descriptor, handler in [(number, handlers.get(number)) for number, _ in self._epoll.poll(0)]:
            # A previous handler may have closed the descriptor, whose number may have been reused since.
            if handler is not None and handlers.get(descriptor) is handler:
                handler()
                handled = True
        return handled

    def close(self) -> None:
        self._epoll.close()
