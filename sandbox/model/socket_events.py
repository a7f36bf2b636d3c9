"""What happens to sockets: listeners, and the connections that come through them."""

from __future__ import annotations

from sandbox.model.event import Event


class Listening(Event, frozen=True, tag=True):
    """``pid`` waits for connections at an address (``127.0.0.1:9001``), of which ``backlog`` may wait to be accepted;
    0: nobody knows how many. ``socket`` numbers listeners and connections alike, in the order of their being seen."""

    socket: int
    pid: int
    at: str
    backlog: int


class Backlog(Event, frozen=True, tag=True):
    """So many connections ``wait`` in the kernel to be accepted from this listener."""

    socket: int
    waiting: int


class Connected(Event, frozen=True, tag=True):
    """A connection between an address of ours and a ``peer``. ``listener``: through whom it came (None: ``pid`` itself
    connected); ``pid`` None: nobody has accepted it yet, it waits in the kernel's backlog."""

    socket: int
    own: str
    peer: str
    listener: int | None
    pid: int | None


class Accepted(Event, frozen=True, tag=True):
    """``pid`` has this connection: it accepted it, or the process that did gave it on."""

    socket: int
    pid: int


class Transferred(Event, frozen=True, tag=True):
    """So many bytes have come and gone over a connection (None: not counted here); ``unread`` wait for the process."""

    socket: int
    received: int | None
    sent: int | None
    unread: int


class Closed(Event, frozen=True, tag=True):
    """A connection is over, or nobody listens at this socket any more."""

    socket: int
