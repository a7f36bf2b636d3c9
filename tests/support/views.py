"""What tests ask of views, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.model.events import Event
from sandbox.views.eventlog import EventLog
from sandbox.views.network import Connection, Network


def log_of(events: Iterable[Event]) -> EventLog:
    """All of these events. Raises IllegalTransition if one cannot have happened."""
    log = EventLog()
    for event in events:
        log.add(event)
    return log


def with_peer(network: Network, peer: str) -> Connection | None:
    """The connection of a server whose other end has this address."""
    ends = (each for each in network.connections.values() if each.peer == peer and each.listener is not None)
    return next(ends, None)


def in_backlog(connection: Connection) -> bool:
    """Whether it waits in the kernel to be accepted."""
    return connection.pid is None and connection.ended_ns is None
