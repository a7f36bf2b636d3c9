"""One wait for everything: descriptors with their handlers, and a time to the microsecond."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from sandbox.util import libc
from sandbox.util.units import S

#: Later than this we woke because something else had the CPU.
_LATE_NS = 200_000


class Poller:
    """An epoll whose descriptors come with what to do when they are ready.

    Its own time-outs are whole milliseconds, so we wait for it with ``select``: at the end of a slice that is one
    system call, where a timerfd takes three, and after a sleep each is slow.

    ``lateness_ns``: how long after its time a wait ends here as a rule.
    """

    def __init__(self) -> None:
        self.lateness_ns = 0
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
        """Leave a descriptor unread for a while (it would be reported for ever while nobody reads it)."""
        if descriptor in self._handlers:
            self._epoll.unregister(descriptor)

    def unmute(self, descriptor: int) -> None:
        """Read a muted descriptor again."""
        if descriptor in self._handlers:
            self._epoll.register(descriptor, select.EPOLLIN)

    def wait(self, until_monotonic_ns: int | None) -> bool:
        """Handle what is ready; wait for it until then (None: as long as it takes). Whether anything was handled."""
        if until_monotonic_ns is None:
            select.select(self._waits_for, (), ())
        else:
            left_ns = until_monotonic_ns - time.monotonic_ns()
            ready, _, _ = select.select(self._waits_for, (), (), left_ns / S if left_ns > 0 else 0)
            self._learn(time.monotonic_ns() - until_monotonic_ns)
            if not ready:
                return False
        handled = False
        for descriptor, _ in self._epoll.poll(0):
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler()
                handled = True
        return handled

    def _learn(self, late_ns: int) -> None:
        if 0 < late_ns < _LATE_NS:
            self.lateness_ns += (late_ns - self.lateness_ns) // 8

    def close(self) -> None:
        self._epoll.close()
