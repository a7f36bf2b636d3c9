"""Finds which processes listen, which connections they have, and how many bytes go over these.

All of it is read from the system's list of sockets. So servers and clients of any program are seen, including those
outside.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from sandbox.kernel.machine import Told
from sandbox.machines.linux.net.holders import SocketHolders
from sandbox.machines.linux.net.known_sockets import Connection, Listener
from sandbox.machines.linux.net.sock_diag import CONNECTED, FAMILIES, Ends, Tcp, TcpState, list_sockets
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child
from sandbox.machines.reports import Reports
from sandbox.model.events import Accepted, Backlog, Closed, Connected, Event, Listening, Transferred
from sandbox.util.units import MS

#: The interval of rounds while there are listeners or connections, and while none are known; and the delay after a
#: process was added that may listen.
_BUSY_NS, _QUIET_NS, _SOON_NS = 20 * MS, 500 * MS, 2 * MS
#: A round is done in pieces, and the pause after each piece is as a rule _PAUSE_FACTOR times as long as the piece took.
_PAUSE_FACTOR = 33
#: The pause is shorter after news, as long as less than one part in _SHARE of our time was used before; at most
#: _MAX_SAVED_NS of unused time counts. In total, monitoring never takes more than a twentieth of a CPU.
_SHARE, _NEWS_PAUSE_FACTOR, _MAX_SAVED_NS = 22, 3, 100 * MS
#: How many connections are reported in one piece.
_TOLD = 40
#: One round in so many looks for sockets of IPv6 even though none is known.
_IPV6_ROUNDS = 25
#: The interval at which a process is scanned again for the sockets that it holds.
_RECHECK_NS = 200 * MS
#: How many connections are remembered that were reported as closed before the system said so.
_MAX_CLOSED = 8_192


class NetMonitor:
    """Polls, at bounded cost, the sockets of the ``known`` processes, which are by the system's number. Times are of
    CLOCK_MONOTONIC, because clients outside do not stop in a pause."""

    def __init__(self, known: Mapping[int, Child], poller: Poller, reports: Reports) -> None:
        self._known = known
        self._reports = reports
        self._poller = poller
        self._number = 0
        # Listeners by inode, connections by the addresses of both ends, and connections with an inode by that.
        self._listeners: dict[int, Listener] = {}
        self._connections: dict[bytes, Connection] = {}
        self._by_inode: dict[int, Connection] = {}
        self._holders = SocketHolders(self._by_inode)
        # Sockets seen in this round whose holders are to be found: listeners by inode; connections, new or just
        # accepted, by both ends.
        self._new_listeners: dict[int, Tcp] = {}
        self._wanted: dict[bytes, Tcp] = {}
        #: The inodes among these that are to be searched for in the descriptors of all processes.
        self._sought: set[int] = set()
        #: Whether the previous round has shown new connections, since more are likely to follow.
        self._news = False
        #: Connections whose holders have closed them or have ended, and which may have other holders.
        self._lost: set[int] = set()
        #: The inodes of sockets that none of our processes holds.
        self._strangers: set[int] = set()
        self._strangers_before: set[int] = set()
        #: Connections reported as closed that the system may still list, the last one last.
        self._closed: dict[bytes, None] = {}
        #: The current round; each piece yields whether there are news to report.
        self._round: Iterator[bool] | None = None
        self._rounds = 0
        #: The CPU time that may be used for news, and when (CLOCK_MONOTONIC) it was computed.
        self._saved_ns = self._saved_at_ns = 0
        self._recheck_ns = 0
        #: When to look next.
        self.next_ns = 0
        #: Reports ends of connections, from the first listener on, if the system offers that.
        self._ends: Ends | None = None

    def add(self, child: Child) -> None:
        """Monitor the sockets of this process, too."""
        if child.spec.work is None:
            self._holders.add(child)
            self.next_ns = min(self.next_ns, time.monotonic_ns() + _SOON_NS)

    def look(self) -> None:
        """Do one piece of a round, if it is time. All other reports come first, because a process has no pid before its
        admission."""
        if time.monotonic_ns() < self.next_ns or self._reports:
            return
        began_ns = time.thread_time_ns()
        pause_ns, news = 0, False
        if self._round is None:
            self._round = self._look_round()
        try:
            news = next(self._round)
        except StopIteration:
            self._round = None
            pause_ns = _BUSY_NS if self._listeners or self._connections else _QUIET_NS
        except OSError as error:
            self._round = None
            pause_ns = 1 << 62  # it would fail again
            self._reports.fault(None, "no list of sockets", reason=error.strerror)
        used_ns = time.thread_time_ns() - began_ns
        self.next_ns = time.monotonic_ns() + max(pause_ns, self._pause_ns(used_ns, news))

    def _pause_ns(self, used_ns: int, news: bool) -> int:
        """Return the pause after a piece that took ``used_ns`` of CPU time."""
        now_ns = time.monotonic_ns()
        saved_ns = self._saved_ns + (now_ns - self._saved_at_ns) // _SHARE
        self._saved_ns, self._saved_at_ns = min(saved_ns, _MAX_SAVED_NS) - used_ns, now_ns
        return used_ns * (_NEWS_PAUSE_FACTOR if news and self._saved_ns > 0 else _PAUSE_FACTOR)

    def _look_round(self) -> Iterator[bool]:
        """Do one round in pieces: list all sockets, find the holders of new ones, and report."""
        if all(child.spec.work is not None for child in self._known.values()):
            return
        self._rounds += 1
        self._holders.sweep()
        for each in (self._new_listeners, self._wanted, self._sought):
            each.clear()  # left over from a round that failed
        self._strangers_before, self._strangers = self._strangers, set()
        for family in self._families():
            for some in list_sockets(family):
                for tcp in some:
                    self._see(tcp)
                yield self._news
        self._news = bool(self._wanted)
        for _ in chain(self._holders.ask_new(), self._find_holders()):
            yield True
        if time.monotonic_ns() >= self._recheck_ns:
            for _ in self._holders.ask_next():
                yield False
            self._recheck_ns = time.monotonic_ns() + _RECHECK_NS
        self._tell_listeners()
        for _ in chain(self._tell_connections(), self._tell_owners()):
            yield True
        self._close_unseen()

    def _families(self) -> Iterable[int]:
        """Return the address families to list. IPv6 sockets are rare: while sockets are known, but none of them is of
        IPv6, it is included in few rounds only."""
        if not (self._listeners or self._connections) or self._rounds % _IPV6_ROUNDS == 0:
            return FAMILIES
        known: Iterable[Listener | Connection] = chain(self._listeners.values(), self._connections.values())
        return FAMILIES if any(each.tcp.family == socket.AF_INET6 for each in known) else (socket.AF_INET,)

    # What the system lists

    def _see(self, tcp: Tcp) -> None:
        """Process a socket of the system's list. Most are known and unchanged."""
        if tcp.state is TcpState.LISTEN:
            self._see_listener(tcp)
        elif (connection := self._connections.get(tcp.ends)) is None:
            self._see_new(tcp)
        elif connection.tcp == tcp:
            connection.round = self._rounds
        else:
            self._see_change(connection, tcp)

    def _see_listener(self, tcp: Tcp) -> None:
        listener = self._listeners.get(tcp.inode)
        if listener is not None:
            listener.round = self._rounds
            self._tell_backlog(listener, tcp)
        elif self._is_strange(tcp.inode):
            self._strangers.add(tcp.inode)
        else:
            self._new_listeners[tcp.inode] = tcp

    def _see_new(self, tcp: Tcp) -> None:
        if tcp.state not in CONNECTED:
            return
        if self._is_strange(tcp.inode):
            self._strangers.add(tcp.inode)
        elif tcp.inode:
            self._want(tcp, self._serving(tcp))
        elif (listener := self._serving(tcp)) is not None:
            self._open(tcp, listener, None)  # not accepted yet

    def _is_strange(self, inode: int) -> bool:
        """Whether no holder of a socket was found in the previous round, nor since."""
        return inode in self._strangers_before and inode not in self._holders

    def _see_change(self, connection: Connection, tcp: Tcp) -> None:
        before = connection.tcp
        if tcp.inode == 0 and (before.inode or tcp.state not in CONNECTED):
            return  # it was closed by the process, or will not be accepted any more
        if before.inode not in (0, tcp.inode):
            self._close(connection)  # both ends are the same, but it is another connection
            self._see_new(tcp)
            return
        if tcp.inode != before.inode:
            self._want(tcp, connection.listener)
        connection.round = self._rounds
        self._tell_bytes(connection, tcp)

    def _want(self, tcp: Tcp, listener: Listener | None) -> None:
        """Have the owner of a connection reported. If its listener has a single holder, that is assumed to have
        accepted it, until another holder is found."""
        self._wanted[tcp.ends] = tcp
        if listener is None or len(listener.holders) != 1:
            self._sought.add(tcp.inode)

    def _serving(self, tcp: Tcp) -> Listener | None:
        """Return the listener of ours that a connection came through, or None; among several at one port, the one whose
        holders also hold the connection."""
        serving = [each for each in self._listeners.values() if each.serves(tcp)]
        if len(serving) > 1:
            holders = {*self._holders.of(tcp.inode)}
            serving.sort(key=lambda each: holders.isdisjoint(each.holders))
        return next(iter(serving), None)

    def _find_holders(self) -> Iterator[None]:
        """Search for the holders of sockets, beginning with processes that may accept connections."""
        lost = (self._by_inode.get(inode) for inode in self._lost)
        self._sought.update(each.tcp.inode for each in lost if each is not None and each.round == self._rounds)
        self._sought.update(self._new_listeners)
        if self._sought:
            first = dict.fromkeys(chain.from_iterable(each.holders for each in self._listeners.values()))
            yield from self._holders.find(self._sought, first, all_of_them=bool(self._new_listeners))
        self._lost.clear()
        self._sought.clear()

    # What is reported

    def _tell_listeners(self) -> None:
        for inode, tcp in self._new_listeners.items():
            holders = self._holders.of(inode)
            if not holders:
                self._strangers.add(inode)
                continue
            listener = self._listeners[inode] = Listener(self._next_number(), tcp, holders)
            listener.round = self._rounds
            self._subscribe_to_ends()
            self._report(Listening(self._now_ns, listener.number, holders[0].pid, str(tcp.own), tcp.max_unread))
            self._tell_backlog(listener, tcp)

    def _tell_connections(self) -> Iterator[None]:
        """Report the connections whose holders were searched for. An end that is reported meanwhile removes a
        connection from the list."""
        told = 0
        while self._wanted:
            _, tcp = self._wanted.popitem()
            self._holders.changed.discard(tcp.inode)
            connection = self._connections.get(tcp.ends)
            listener = self._serving(tcp)
            if connection is not None and listener not in (None, connection.listener):
                self._close(connection)  # until it was accepted its listener was unknown
                connection = None
            holders = self._holders.of(tcp.inode)
            if not holders and listener is not None:
                holders = listener.holders[:1]
            if connection is not None:
                self._by_inode[tcp.inode] = connection
                self._tell_owner(connection, holders)
            elif holders or listener is not None:
                self._open(tcp, listener, holders)
            else:
                self._strangers.add(tcp.inode)
            told += 1
            if told % _TOLD == 0:
                yield

    def _open(self, tcp: Tcp, listener: Listener | None, holders: list[Child] | None) -> Connection:
        connection = self._connections[tcp.ends] = Connection(self._next_number(), tcp, listener)
        connection.round = self._rounds
        owner = connection.choose_owner(holders or ())
        connection.pid = owner.pid if owner is not None else None
        if tcp.inode:
            self._by_inode[tcp.inode] = connection
        through = listener.number if listener is not None else None
        own, peer = str(tcp.own), str(tcp.peer)
        self._report(Connected(self._now_ns, connection.number, own, peer, through, connection.pid))
        if tcp.received or tcp.sent or tcp.unread:
            self._report_bytes(connection)
        return connection

    def _tell_owners(self) -> Iterator[None]:
        """Report new owners of known sockets."""
        told = 0
        while self._holders.changed:
            inode = self._holders.changed.pop()
            if (connection := self._by_inode.get(inode)) is not None:
                self._tell_owner(connection, self._holders.of(inode))
                if inode not in self._holders:
                    self._lost.add(inode)
            elif (listener := self._listeners.get(inode)) is not None:
                listener.holders = self._holders.of(inode)
            told += 1
            if told % _TOLD == 0:
                yield

    def _tell_owner(self, connection: Connection, holders: list[Child]) -> None:
        owner = connection.choose_owner(holders)
        if owner is not None and owner.pid != connection.pid:
            connection.pid = owner.pid
            self._report(Accepted(self._now_ns, connection.number, owner.pid))

    def _tell_backlog(self, listener: Listener, tcp: Tcp) -> None:
        if tcp.unread != listener.waiting:
            listener.waiting = tcp.unread
            self._report(Backlog(self._now_ns, listener.number, tcp.unread))

    def _tell_bytes(self, connection: Connection, tcp: Tcp) -> None:
        before, connection.tcp = connection.tcp, tcp
        if (before.received, before.sent, before.unread) != (tcp.received, tcp.sent, tcp.unread):
            self._report_bytes(connection)

    def _report_bytes(self, connection: Connection) -> None:
        tcp = connection.tcp
        self._report(Transferred(self._now_ns, connection.number, tcp.received, tcp.sent, tcp.unread))

    # What has ended

    def _subscribe_to_ends(self) -> None:
        if self._ends is None:
            try:
                self._ends = Ends()
            except OSError:
                return  # the next round finds closed connections
            self._poller.add(self._ends.fileno(), self._read_ends)

    def _read_ends(self) -> None:
        for tcp in self._ends.read() if self._ends is not None else ():
            seen = self._wanted.pop(tcp.ends, None)
            connection = self._connections.get(tcp.ends) or self._open_late(tcp, seen)
            if connection is None:
                continue
            # The FIN of the other side counts as a byte.
            said = (tcp.received or 0) > (connection.tcp.received or 0)
            received = None if tcp.received is None else tcp.received - said
            self._tell_bytes(connection, tcp._replace(inode=connection.tcp.inode, received=received, unread=0))
            self._close(connection)

    def _open_late(self, tcp: Tcp, seen: Tcp | None) -> Connection | None:
        """Report a connection that came through a listener of ours and ended before it was reported. Return None if it
        is not one, or was reported as closed already."""
        if tcp.ends in self._closed:
            del self._closed[tcp.ends]  # its end was already reported; the system reports it once
            return None
        listener = self._serving(tcp)
        if listener is None or tcp.peer.port == 0:
            return None
        holders = self._holders.of(seen.inode) if seen is not None else []
        if not holders and len(listener.holders) == 1:
            holders = listener.holders
        return self._open(tcp._replace(inode=0, received=0, sent=0, unread=0), listener, holders)

    def _close(self, connection: Connection) -> None:
        tcp = connection.tcp
        del self._connections[tcp.ends]
        if self._by_inode.get(tcp.inode) is connection:
            del self._by_inode[tcp.inode]
        self._report(Closed(self._now_ns, connection.number))

    def _close_unseen(self) -> None:
        """Report sockets that were not seen in this whole round as closed."""
        for connection in [each for each in self._connections.values() if each.round != self._rounds]:
            if len(self._closed) >= _MAX_CLOSED:
                del self._closed[next(iter(self._closed))]
            self._closed[connection.tcp.ends] = None
            self._close(connection)
        for inode, listener in [*self._listeners.items()]:
            if listener.round != self._rounds or not listener.holders:
                del self._listeners[inode]
                self._report(Closed(self._now_ns, listener.number))

    # Reports

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    @property
    def _now_ns(self) -> int:
        return self._reports.now_ns()

    def _report(self, event: Event) -> None:
        self._reports.add(Told(event))

    def close(self) -> None:
        """Unsubscribe from ends."""
        if self._ends is not None:
            self._poller.remove(self._ends.fileno())
            self._ends.close()
