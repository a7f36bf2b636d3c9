"""What becomes of processes and their children after an end."""

from __future__ import annotations

from sandbox.model.event import Event


class Zombie(Event, frozen=True, tag=True):
    """``pid`` has ended, and ``parent`` has not asked how: until it does, the system remembers the end for it."""

    pid: int
    parent: int


class Reaped(Event, frozen=True, tag=True):
    """The end of ``pid``, which was a zombie, has been asked for: nothing is left of it. ``by`` None: we did it."""

    pid: int
    by: int | None = None


class Adopted(Event, frozen=True, tag=True):
    """The parent of ``pid`` has ended, and its new one is ``by``; None: ossandbox, which is to its processes what the
    first process of a system is to all others."""

    pid: int
    by: int | None = None
