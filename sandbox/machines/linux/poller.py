"""One wait for everything: descriptors with their handlers, and an alarm to the nanosecond."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from sandbox.machines.linux.libc import Alarm

#: Later than this an alarm was not heard because something else had the CPU.
_LATE_NS = 200_000


class Poller:
    """An epoll whose descriptors come with what to do when they are ready.

    ``lateness_ns``: how long after its time an alarm is heard here as a rule.
    """

    def __init__(self) -> None:
        self.lateness_ns = 0
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None] | None] = {}
        self.alarm = Alarm()
        self._hush = self.alarm.hush
        self.add(self.alarm.fileno(), self._hush)

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
        """Handle what is ready; wait for it until then (None: for as long as it takes). Whether anything was handled
        but the alarm."""
        self.alarm.set(until_monotonic_ns)
        ready = self._epoll.poll()
        if until_monotonic_ns is not None:
            self._learn(time.monotonic_ns() - until_monotonic_ns)
        handled = False
        for descriptor, _ in ready:
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler()
                handled = handled or handler is not self._hush
        return handled

    def _learn(self, late_ns: int) -> None:
        if 0 < late_ns < _LATE_NS:
            self.lateness_ns += (late_ns - self.lateness_ns) // 8

    def close(self) -> None:
        self.alarm.close()
        self._epoll.close()
