"""One wait for everything: descriptors with their handlers, and a time to the microsecond."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import select
import time
from collections.abc import Callable

from sandbox.machines.linux.delay import Delay
from sandbox.util import libc
from sandbox.util.units import US, S

#: What is assumed before the first time. We woke later than the most because something else had our CPU, which says
#: nothing about the next time.
_USUAL_LATENESS_NS, _MAX_LATENESS_NS = 60 * US, 200 * US


class Poller:
    """An epoll whose descriptors come with what to do when they are ready.

    Its own time-outs are whole milliseconds, so it is waited for with ``select``: at the end of a slice that is one
    system call, where a timerfd takes three, and after a sleep each is slow.

    ``lateness``: how long after its time a wait ends here as a rule. Of the last one, ``timed_out``: whether nothing
    was ready; ``woke_ns``: when it ended (CLOCK_MONOTONIC).
    """

    def __init__(self) -> None:
        self.lateness = Delay(_USUAL_LATENESS_NS, _MAX_LATENESS_NS)
        self.timed_out = False
        self.woke_ns = 0
        self._epoll = select.epoll()
        self._waits_for = (self._epoll.fileno(),)
        self._handlers: dict[int, Callable[[], None] | None] = {}
        libc.prctl(libc.PR_SET_TIMERSLACK, 1)  # else the system lets a wait last some 50 µs longer

    def add(self, descriptor: int, handler: Callable[[], None] | None) -> None:
        """Call ``handler`` whenever the descriptor can be read; None: it only wakes us."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor (before it is closed); a muted one too."""
        if descriptor in self._handlers:
            del self._handlers[descriptor]
            try:
                self._epoll.unregister(descriptor)
            except FileNotFoundError:
                pass

    def mute(self, descriptor: int) -> None:
        """Look no more at a descriptor that is left unread for a while: it would be reported for ever."""
        if descriptor in self._handlers:
            self._epoll.unregister(descriptor)

    def unmute(self, descriptor: int) -> None:
        """Look at a muted descriptor again."""
        if descriptor in self._handlers:
            self._epoll.register(descriptor, select.EPOLLIN)

    def wait(self, until_ns: int, roughly: bool = False) -> bool:
        """Handle what is ready; wait for it until then (CLOCK_MONOTONIC). Whether anything was handled. ``roughly``: it
        does not matter how late that ends, and it teaches nothing."""
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
            # A handler before it may have closed the descriptor, and its number may be another one's by now.
            if handler is not None and handlers.get(descriptor) is handler:
                handler()
                handled = True
        return handled

    def close(self) -> None:
        self._epoll.close()
