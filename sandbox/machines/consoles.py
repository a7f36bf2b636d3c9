"""The consoles of all processes: reads their output at a limited rate, and passes input on."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, Protocol, TypeVar

from sandbox.machines.console import Console, Piece, Settings
from sandbox.util.units import MS

#: The most reads from one console in one window. After that it is not read until the next window, and its writer
#: blocks, as on any slow terminal.
_WINDOW_NS = 50 * MS
_MAX_READS = 50


class User(Protocol):
    """A process with a console. ``forked``: we have forked it, so that it is the console's first user."""

    @property
    def console(self) -> Console | None: ...
    @property
    def forked(self) -> bool: ...


Child = TypeVar("Child", bound=User)


class Poller(Protocol):
    """Waits for descriptors, and calls handlers."""

    def add(self, descriptor: int, handler: Callable[[], None]) -> None: ...
    def remove(self, descriptor: int) -> None: ...
    def mute(self, descriptor: int) -> None: ...
    def unmute(self, descriptor: int) -> None: ...


class Consoles(Generic[Child]):
    """Reads consoles when they have output. ``wrote``: called with each piece; ``is_set``: called when the settings of
    a terminal have changed.

    A console belongs to its first user. It is kept after that has ended as long as a descendant (a daemon, the rest of
    a pipeline) has it open or lives in its session, because closing it would hang up on the descendant.
    """

    def __init__(
        self, poller: Poller, wrote: Callable[[Child, Piece], None], is_set: Callable[[Child, Settings], None]
    ) -> None:
        self._poller = poller
        self._wrote = wrote
        self._is_set = is_set
        # By descriptor: the first user; the number of processes that share the console; consoles whose first user has
        # ended; consoles that are not read for now.
        self._users: dict[int, Child] = {}
        self._families: Counter[int] = Counter()
        self._orphaned: set[int] = set()
        self._muted: set[int] = set()
        self._held_back = False
        #: The number of reads of each in this window.
        self._reads: dict[int, int] = {}
        self._window_end_ns = 0
        #: Consoles that have not accepted all input.
        self._typing: set[Console] = set()

    def add(self, child: Child) -> None:
        """Add a process. Its console is read from now on if it is the first user."""
        if child.console is None:
            return
        descriptor = child.console.fileno()
        self._families[descriptor] += 1
        if child.forked:
            self._users[descriptor] = child
            self._poller.add(descriptor, partial(self._read, child, child.console))
            if self._held_back:
                self._mute(descriptor)

    def remove(self, child: Child) -> None:
        """Remove a process that has ended, after reading its last output."""
        console = child.console
        if console is None:
            return
        descriptor = console.fileno()
        self._families[descriptor] -= 1
        if child.forked:
            self._orphaned.add(descriptor)
        if descriptor in self._orphaned:
            self._take(self._users[descriptor], console.read_rest())
        if console.vacant:
            self._close_if_orphaned(console)

    def type(self, child: Child, text: str) -> None:
        """Type a text into a process's console."""
        console = child.console
        if console is not None and not console.type(text):
            self._typing.add(console)

    def resize(self, child: Child, rows: int, columns: int) -> None:
        """Set the size of a process's console."""
        user = self._user_of(child)
        if user is not None and user.console is not None:
            user.console.resize(rows, columns)
            self._tell(user, user.console)

    def look(self, child: Child) -> None:
        """Report the settings of a process's console if they have changed, because the process waits there."""
        user = self._user_of(child)
        if user is not None and user.console is not None:
            self._tell(user, user.console)

    def _user_of(self, child: Child) -> Child | None:
        """Return the first user of a process's console."""
        return self._users.get(child.console.fileno()) if child.console is not None else None

    def _tell(self, child: Child, console: Console) -> None:
        settings = console.settings
        if settings != console.told:
            console.told = settings
            self._is_set(child, settings)

    def _take(self, child: Child, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._wrote(child, piece)

    def hold_back(self, full: bool) -> None:
        """Stop reading while the other end of the link is behind (``full``), or continue."""
        if full != self._held_back:
            self._held_back = full
            for descriptor in self._users:
                self._mute(descriptor) if full else self._unmute(descriptor)

    @property
    def next_ns(self) -> int | None:
        """When to call ``tick`` next (CLOCK_MONOTONIC); None: not needed."""
        return self._window_end_ns if (self._muted and not self._held_back) or self._typing else None

    def tick(self) -> None:
        """Begin the next window if the last one is over, and write waiting input."""
        if not self._reads and not self._muted and not self._typing:
            return
        now_ns = time.monotonic_ns()
        if now_ns < self._window_end_ns:
            return
        self._window_end_ns = now_ns + _WINDOW_NS
        self._reads.clear()
        if not self._held_back:
            for descriptor in [*self._muted]:
                self._unmute(descriptor)
        self._typing = {console for console in self._typing if not console.flush()}

    def close(self) -> None:
        """Close all consoles."""
        for child in [*self._users.values()]:
            if child.console is not None:
                self._close(child.console)

    def _read(self, child: Child, console: Console) -> None:
        descriptor = console.fileno()
        piece = console.read()
        if piece is None:
            if not self._close_if_orphaned(console):
                self._mute(descriptor)  # it would be reported as readable all the time; a process may open it again
            return
        self._tell(child, console)
        self._wrote(child, piece)
        reads = self._reads[descriptor] = self._reads.get(descriptor, 0) + 1
        if reads >= _MAX_READS:
            self._mute(descriptor)

    def _mute(self, descriptor: int) -> None:
        if descriptor not in self._muted:
            self._muted.add(descriptor)
            self._poller.mute(descriptor)

    def _unmute(self, descriptor: int) -> None:
        if descriptor in self._muted:
            self._muted.discard(descriptor)
            self._poller.unmute(descriptor)

    def _close_if_orphaned(self, console: Console) -> bool:
        """Close a console that no process has open, if its first user has ended and no process shares it."""
        orphaned = console.fileno() in self._orphaned and not self._families[console.fileno()]
        if orphaned:
            self._close(console)
        return orphaned

    def _close(self, console: Console) -> None:
        descriptor = console.fileno()
        del self._families[descriptor]
        self._poller.remove(descriptor)
        for known in (self._orphaned, self._muted):
            known.discard(descriptor)
        self._users.pop(descriptor, None)
        self._reads.pop(descriptor, None)
        self._typing.discard(console)
        console.close()
