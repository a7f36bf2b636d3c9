"""Listening sockets and connections, folded from events; the live view and replays use the same fold."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from copy import copy

from sandbox.model.events import (
    Accepted,
    Backlog,
    Closed,
    Connected,
    Listening,
    Transferred,
)

#: Events about sockets, which change no process's state.
SocketEvent = Listening | Backlog | Connected | Accepted | Transferred | Closed
SOCKET_EVENTS = (Listening, Backlog, Connected, Accepted, Transferred, Closed)
#: The number of closed connections to keep, so that they can be shown for a while.
_MAX_ENDED = 100


class Listener:
    """A listening socket. ``backlog``: how many connections may wait to be accepted (0: unknown); ``waiting``: how many
    do."""

    __slots__ = ("at", "backlog", "number", "pid", "waiting")

    def __init__(self, event: Listening) -> None:
        self.number = event.socket
        self.pid = event.pid
        self.at = event.at
        self.backlog = event.backlog
        self.waiting = 0


class Connection:
    """One end of a connection, held by a process, or by the system until a process accepts it (``pid`` None).

    ``received`` and ``sent`` are in bytes, None if the system does not count them. ``waited_ns``: how long its process
    waited for a CPU after its last wakeup; None: it has not woken yet.
    """

    __slots__ = (
        "ended_ns", "listener", "number", "own", "peer", "pid", "received", "sent", "since_ns", "unread", "waited_ns",
    )  # fmt: skip

    def __init__(self, event: Connected) -> None:
        self.number = event.socket
        self.own = event.own
        self.peer = event.peer
        self.listener = event.listener
        self.pid = event.pid
        self.since_ns = event.t_ns
        self.ended_ns: int | None = None
        self.received: int | None = None
        self.sent: int | None = None
        self.unread = 0
        self.waited_ns: int | None = None


class Network:
    """Listeners and connections by their numbers, in the order in which they were seen."""

    def __init__(self) -> None:
        self.listeners: dict[int, Listener] = {}
        self.connections: dict[int, Connection] = {}
        #: Closed connections, the latest last.
        self.ended: deque[Connection] = deque(maxlen=_MAX_ENDED)
        #: The number of connections so far.
        self.number = 0
        #: The wakeup time of each process that woke and waits for a CPU.
        self._woken_ns: dict[int, int] = {}

    def copy(self) -> Network:
        """Return an independent copy."""
        network = copy(self)
        network.listeners = {number: copy(listener) for number, listener in self.listeners.items()}
        network.connections = {number: copy(connection) for number, connection in self.connections.items()}
        network.ended = self.ended.copy()
        network._woken_ns = self._woken_ns.copy()
        return network

    def apply(self, event: SocketEvent) -> None:
        """Apply the next socket event."""
        match event:
            case Listening():
                self.listeners[event.socket] = Listener(event)
            case Backlog(socket=number):
                if number in self.listeners:
                    self.listeners[number].waiting = event.waiting
            case Connected():
                self.connections[event.socket] = Connection(event)
                self.number += 1
            case Accepted(socket=number):
                self.connections[number].pid = event.pid
            case Transferred(socket=number):
                connection = self.connections[number]
                connection.received, connection.sent, connection.unread = event.received, event.sent, event.unread
            case Closed(socket=number):
                self._close(number, event.t_ns)

    def wake(self, pid: int, t_ns: int) -> None:
        """Record that a process has woken and waits for a CPU from now on."""
        self._woken_ns[pid] = t_ns

    def dispatch(self, pid: int, t_ns: int) -> None:
        """Record that a process got a CPU, and set ``waited_ns`` of its connections if it had woken before."""
        woken_ns = self._woken_ns.pop(pid, None)
        if woken_ns is not None:
            for connection in self.of(pid):
                connection.waited_ns = t_ns - woken_ns

    def leave(self, pid: int) -> None:
        """Record that a process waits for something other than a CPU, or has ended."""
        self._woken_ns.pop(pid, None)

    def of(self, pid: int) -> list[Connection]:
        """Return the connections that a process has."""
        return [connection for connection in self.connections.values() if connection.pid == pid]

    def forget(self, pids: Container[int]) -> None:
        """Forget processes: drop their listeners, and disown their connections."""
        self.listeners = {number: each for number, each in self.listeners.items() if each.pid not in pids}
        for connection in self.connections.values():
            if connection.pid in pids:
                connection.pid = None

    def _close(self, number: int, t_ns: int) -> None:
        connection = self.connections.pop(number, None)
        if connection is None:
            self.listeners.pop(number, None)
        else:
            connection.ended_ns = t_ns
            self.ended.append(connection)
