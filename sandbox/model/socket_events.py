"""Events about sockets: listening ones, and connections."""

from __future__ import annotations

from sandbox.model.event import Event


class Listening(Event, frozen=True, tag=True):
    """``pid`` listens at an address (``127.0.0.1:9001``). ``backlog``: how many connections may wait to be accepted (0:
    unknown). ``socket``: its number; listeners and connections are numbered together, in the order they are seen."""

    socket: int
    pid: int
    at: str
    backlog: int


class Backlog(Event, frozen=True, tag=True):
    """The number of connections ``waiting`` in the system's backlog to be accepted from a listener."""

    socket: int
    waiting: int


class Connected(Event, frozen=True, tag=True):
    """A connection from the process's address ``own`` to a ``peer``. ``listener``: the socket through which it came
    (None: ``pid`` itself connected); ``pid`` None: it waits to be accepted in the system's backlog."""

    socket: int
    own: str
    peer: str
    listener: int | None
    pid: int | None


class Accepted(Event, frozen=True, tag=True):
    """``pid`` has the connection: it accepted it, or got it from the process that did."""

    socket: int
    pid: int


class Transferred(Event, frozen=True, tag=True):
    """The bytes ``received`` and ``sent`` over a connection so far (None: not counted by this system), and those still
    ``unread`` by the process."""

    socket: int
    received: int | None
    sent: int | None
    unread: int


class Closed(Event, frozen=True, tag=True):
    """A connection is over, or a listening socket is closed."""

    socket: int
