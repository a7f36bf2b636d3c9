"""One wait for everything: descriptors with their handlers, and an alarm to the nanosecond."""

from __future__ import annotations

import select
from collections.abc import Callable

from sandbox.machines.linux.libc import Alarm


class Poller:
    """An epoll whose descriptors come with what to do when they are ready."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self.alarm = Alarm()
        self.add(self.alarm.fileno(), self.alarm.hush)

    def add(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever the descriptor can be read."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor (before it is closed); a muted one too."""
        if self._handlers.pop(descriptor, None) is not None:
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

    def wait(self, until_monotonic_ns: int | None) -> None:
        """Handle what is ready; wait for it until then (None: for as long as it takes)."""
        self.alarm.set(until_monotonic_ns)
        for descriptor, _ in self._epoll.poll():
            handler = self._handlers.get(descriptor)
            if handler is not None:
                handler()

    def close(self) -> None:
        self.alarm.close()
        self._epoll.close()
