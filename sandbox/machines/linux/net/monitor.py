"""Which process listens, which are connected to which, and what goes over it: found in the system's list of sockets,
not asked of the programs, so that a student's own server and any client from outside are seen as well as ours."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from sandbox.kernel.machine import Told
from sandbox.machines.linux.net.known_sockets import Connection, Listener
from sandbox.machines.linux.net.sock_diag import FAMILIES, Ends, Tcp, TcpState, list_sockets
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import socket_inodes
from sandbox.machines.linux.reports import Reports
from sandbox.model.events import Accepted, Backlog, Closed, Connected, Event, Listening, Transferred
from sandbox.util.addresses import Address
from sandbox.util.units import MS

#: From one round to the next: where somebody listens or is connected, and where nobody is known to; and how soon after
#: a process has come that may listen.
_BUSY_NS, _QUIET_NS, _SOON_NS = 20 * MS, 500 * MS, 2 * MS
#: It is looked a piece at a time, and after each piece there is a pause 20 times as long as that took: looking never
#: takes more than a twentieth of our time.
_PAUSE_FACTOR = 20
#: So many processes are asked for their sockets in one piece.
_SHARE = 24
#: Every 25th round looks for sockets of IPv6, even though nobody is known to have one.
_IPV6_ROUNDS = 25
#: A socket that was looked for in vain so often belongs to nobody here.
_MAX_MISSES = 3
#: So many connections are remembered that were reported to be over before the system said so.
_MAX_CLOSED = 2_000
#: In these states a connection is open at our side.
_OPEN = (TcpState.ESTABLISHED, TcpState.CLOSE_WAIT)


class NetMonitor:
    """Looks again and again, at bounded cost, at the sockets of the processes that are ``known`` by the system's
    number. Times are of CLOCK_MONOTONIC, because clients outside do not stand still in a pause."""

    def __init__(self, known: Mapping[int, Child], poller: Poller, reports: Reports) -> None:
        self._known = known
        self._reports = reports
        self._poller = poller
        self._number = 0
        # By the number that the system gives a socket; by both addresses.
        self._listeners: dict[int, Listener] = {}
        self._connections: dict[tuple[Address, Address], Connection] = {}
        #: Sockets that none of our processes was found to have, and how often they were looked for.
        self._strangers: dict[int, int] = {}
        #: May have inherited sockets, and have not been asked yet.
        self._new: deque[Child] = deque()
        #: Reported to be over, though the system has not forgotten them yet.
        self._closed: deque[tuple[Address, Address]] = deque(maxlen=_MAX_CLOSED)
        self._round: Iterator[None] | None = None
        self._rounds = 0
        #: When to look again.
        self.next_ns = 0
        #: Tells of ends, once somebody listens, where the system does.
        self._ends: Ends | None = None

    def add(self, child: Child) -> None:
        """Look at this one's sockets, too."""
        if child.spec.work is None:
            self._new.append(child)
            self.next_ns = min(self.next_ns, time.monotonic_ns() + _SOON_NS)

    def look(self) -> None:
        """If it is time: one piece of a round. Whatever else has happened is reported first, because a process has no
        pid before its admission."""
        began_ns = time.monotonic_ns()
        if began_ns < self.next_ns or self._reports:
            return
        if self._round is None:
            self._round = self._look_round()
        try:
            next(self._round)
            pause_ns = 0
        except StopIteration:
            self._round = None
            pause_ns = _BUSY_NS if self._listeners or self._connections else _QUIET_NS
        except OSError as error:
            self._round = None
            pause_ns = 1 << 62  # for ever: it would fail again
            self._reports.fault(None, "no list of sockets", reason=error.strerror)
        ended_ns = time.monotonic_ns()
        self.next_ns = ended_ns + max(pause_ns, _PAUSE_FACTOR * (ended_ns - began_ns))

    def _look_round(self) -> Iterator[None]:
        """Look at all sockets, a piece at a time."""
        if all(child.spec.work is not None for child in self._known.values()):
            return
        held: dict[int, list[Child]] = {}
        while self._new:
            yield from self._ask(self._new, held)
        unknown: list[Tcp] = []
        for each in (*self._listeners.values(), *self._connections.values()):
            each.seen = False
        for family in self._families():
            for some in list_sockets(family):
                unknown += (tcp for tcp in some if not self._recognise(tcp, held))
                yield
        if unknown:
            yield from self._find_holders(unknown)
        self._strangers = {tcp.inode: self._strangers.get(tcp.inode, 0) + 1 for tcp in unknown}
        self._close_unseen()

    def _families(self) -> Iterable[int]:
        """Sockets of IPv6 are rare: while some are known, and none of them is one, few rounds look for them."""
        self._rounds += 1
        known = (*self._listeners.values(), *self._connections.values())
        if known and self._rounds % _IPV6_ROUNDS and not any(":" in each.tcp.own.host for each in known):
            return (socket.AF_INET,)
        return FAMILIES

    def _ask(self, children: deque[Child], held: dict[int, list[Child]]) -> Iterator[None]:
        """Which sockets these have, some of them at a time."""
        while children:
            for _ in range(min(len(children), _SHARE)):
                child = children.popleft()
                if child.spec.work is None and child.mode is not Mode.ENDED:
                    for inode in socket_inodes(child.os_pid):
                        held.setdefault(inode, []).append(child)
            yield

    def _find_holders(self, unknown: list[Tcp]) -> Iterator[None]:
        """Ask all processes for the sockets that nobody is known to have."""
        held: dict[int, list[Child]] = {}
        yield from self._ask(deque(child for child in self._known.values() if child.pid), held)
        unknown[:] = [tcp for tcp in unknown if not self._recognise(tcp, held)]

    # What is found

    def _recognise(self, tcp: Tcp, held: Mapping[int, list[Child]]) -> bool:
        """Report what is new of a socket. False: its holders are still to be found. ``held``: the holders by inode."""
        holders = held.get(tcp.inode, [])
        if tcp.state is TcpState.LISTEN:
            listener = self._listeners.get(tcp.inode)
            if listener is None:
                if not holders:
                    return self._is_strange(tcp)
                listener = self._listeners[tcp.inode] = Listener(self._next_number(), tcp, [])
                self._subscribe_to_ends()
                self._report(Listening(self._now_ns, listener.number, holders[0].pid, str(tcp.own), tcp.max_unread))
            listener.add_holders(holders)
            self._report_backlog(listener, tcp)
            return True
        connection = self._connections.get((tcp.own, tcp.peer))
        if connection is None:
            through = self._serving(tcp)
            if through is None and not holders:
                return tcp.inode == 0 or self._is_strange(tcp)
            if tcp.state in _OPEN:
                self._open(tcp, holders, through)
            return True
        connection.add_holders(holders)
        self._report_owner(connection, tcp)
        self._report_bytes(connection, tcp)
        connection.seen = tcp.inode != 0 or connection.pid is None  # else its process has closed it
        return True

    def _is_strange(self, tcp: Tcp) -> bool:
        return self._strangers.get(tcp.inode, 0) >= _MAX_MISSES

    def _serving(self, tcp: Tcp) -> Listener | None:
        """The listener that a connection came through, if that is ours."""
        return next((listener for listener in self._listeners.values() if listener.serves(tcp)), None)

    def _open(self, tcp: Tcp, holders: list[Child], through: Listener | None) -> Connection:
        connection = Connection(self._next_number(), tcp, [*holders], through)
        self._connections[tcp.own, tcp.peer] = connection
        if tcp.inode and through is not None and not holders:
            connection.add_holders(through.acceptors(tcp.inode))
        owner = connection.owner()
        connection.pid = owner.pid if owner is not None else None
        listener = through.number if through is not None else None
        own, peer = str(tcp.own), str(tcp.peer)
        self._report(Connected(self._now_ns, connection.number, own, peer, listener, connection.pid))
        self._report_bytes(connection, tcp)
        return connection

    def _report_backlog(self, listener: Listener, tcp: Tcp) -> None:
        listener.seen = True
        if tcp.unread != listener.waiting:
            listener.waiting = tcp.unread
            self._report(Backlog(self._now_ns, listener.number, tcp.unread))

    def _report_owner(self, connection: Connection, tcp: Tcp) -> None:
        if tcp.inode and not connection.living and connection.listener is not None:
            connection.add_holders(connection.listener.acceptors(tcp.inode))
        owner = connection.owner()
        if owner is not None and owner.pid != connection.pid:
            connection.pid = owner.pid
            self._report(Accepted(self._now_ns, connection.number, owner.pid))

    def _report_bytes(self, connection: Connection, tcp: Tcp) -> None:
        before, connection.tcp = connection.tcp, tcp
        if before is tcp:
            if not (tcp.received or tcp.sent or tcp.unread):
                return
        elif (before.received, before.sent, before.unread) == (tcp.received, tcp.sent, tcp.unread):
            return
        self._report(Transferred(self._now_ns, connection.number, tcp.received, tcp.sent, tcp.unread))

    # What is over

    def _subscribe_to_ends(self) -> None:
        if self._ends is None:
            try:
                self._ends = Ends()
            except OSError:
                return  # the next round finds out
            self._poller.add(self._ends.fileno(), self._read_ends)

    def _read_ends(self) -> None:
        for tcp in self._ends.read() if self._ends is not None else ():
            connection = self._connections.get((tcp.own, tcp.peer))
            if connection is None:
                through = self._serving(tcp)
                if through is None or tcp.peer.port == 0 or self._was_closed(tcp):
                    continue
                owner = through.owner()  # it was over before anybody looked
                connection = self._open(tcp._replace(received=0, sent=0), [owner] if owner else [], through)
            # The end itself, where the other side says it, counts as a byte.
            said = (tcp.received or 0) > (connection.tcp.received or 0)
            received = None if tcp.received is None else tcp.received - said
            self._report_bytes(connection, tcp._replace(received=received, unread=0))
            self._close(connection)

    def _was_closed(self, tcp: Tcp) -> bool:
        """Whether its end was reported already; the system tells it once."""
        try:
            self._closed.remove((tcp.own, tcp.peer))
        except ValueError:
            return False
        return True

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.tcp.own, connection.tcp.peer]
        self._report(Closed(self._now_ns, connection.number))

    def _close_unseen(self) -> None:
        """What a whole round has not shown any more is over."""
        for connection in [each for each in self._connections.values() if not each.seen]:
            self._closed.append((connection.tcp.own, connection.tcp.peer))
            self._close(connection)
        for listener in self._listeners.values():
            listener.remove_leavers()
        for inode, listener in [*self._listeners.items()]:
            if not listener.seen or listener.owner() is None:
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
        """Give back what is held."""
        if self._ends is not None:
            self._poller.remove(self._ends.fileno())
            self._ends.close()
