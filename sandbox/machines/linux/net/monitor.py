"""Who listens, who is connected to whom, and what goes over it: found in the system's list of sockets, not asked of
the programs, so that a student's own server and any client from outside are seen as well as ours."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from sandbox.kernel.machine import Told
from sandbox.machines.linux.net.holders import Connection, Listener
from sandbox.machines.linux.net.sock_diag import FAMILIES, Ends, State, Tcp, listing
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import socket_inodes
from sandbox.machines.linux.reports import Outbox
from sandbox.model.events import Accepted, Backlog, Closed, Connected, Event, Listening, Transferred
from sandbox.util.addresses import Address
from sandbox.util.units import MS

#: How often we look where somebody listens or is connected, and where nobody is known to; and soon: somebody was born.
_OFTEN_NS, _SELDOM_NS, _SOON_NS = 20 * MS, 500 * MS, 2 * MS
#: Looking may take such a share of our time: it is done a piece at a time, and after each we pause so often as long.
_PAUSES = 20
#: So many processes are asked for their sockets in one go.
_SHARE = 24
#: So often sockets of IPv6 are looked for though nobody is known to have one.
_NOW_AND_THEN = 25
_LEFT_MOST = 2_000
#: A socket that was looked for in vain so often belongs to nobody here.
_MISSES = 3
#: In these states a connection is open at our side.
_OPEN = (State.ESTABLISHED, State.CLOSE_WAIT)


class Traffic:
    """Looks again and again, at bounded cost. ``known``: everybody by the system's pid; what is found goes into the
    outbox. Times are of CLOCK_MONOTONIC, because clients outside do not stand still in a pause."""

    def __init__(self, known: Mapping[int, Child], poller: Poller, out: Outbox) -> None:
        self._known = known
        self._out = out
        self._poller = poller
        self._number = 0
        #: By the number that the system gives a socket; by both addresses.
        self._listeners: dict[int, Listener] = {}
        self._connections: dict[tuple[Address, Address], Connection] = {}
        #: Sockets in which none of our processes has been found, and how often they were looked for.
        self._strangers: dict[int, int] = {}
        self._newborn: deque[Child] = deque()
        #: Told to be over, though the system has not forgotten them yet.
        self._left: deque[tuple[Address, Address]] = deque(maxlen=_LEFT_MOST)
        self._round: Iterator[None] | None = None
        self._rounds = 0
        #: When to look again.
        self.next_ns = 0
        #: Tells of ends, once somebody listens, where the system does.
        self._ends: Ends | None = None

    def born(self, child: Child) -> None:
        """This one may have inherited sockets."""
        if child.spec.work is None:
            self._newborn.append(child)
            self.next_ns = min(self.next_ns, time.monotonic_ns() + _SOON_NS)

    def look(self) -> None:
        """If it is time: one piece of a round. Whatever else has happened is told first: who is let in has no number
        before."""
        began_ns = time.monotonic_ns()
        if began_ns < self.next_ns or self._out:
            return
        if self._round is None:
            self._round = self._look_round()
        try:
            next(self._round)
            pause_ns = 0
        except StopIteration:
            self._round = None
            pause_ns = _OFTEN_NS if self._listeners or self._connections else _SELDOM_NS
        except OSError as error:
            self._round = None
            pause_ns = 1 << 62
            self._out.fault(None, "no list of sockets", reason=error.strerror)
        ended_ns = time.monotonic_ns()
        self.next_ns = ended_ns + max(pause_ns, _PAUSES * (ended_ns - began_ns))

    def _look_round(self) -> Iterator[None]:
        """Look at all sockets, a piece at a time."""
        if all(child.spec.work is not None for child in self._known.values()):
            return
        held: dict[int, list[Child]] = {}
        while self._newborn:
            yield from self._ask(self._newborn, held)
        unknown: list[Tcp] = []
        for each in (*self._listeners.values(), *self._connections.values()):
            each.seen = False
        for family in self._families():
            for some in listing(family):
                unknown += (tcp for tcp in some if not self._recognise(tcp, held))
                yield
        if unknown:
            yield from self._find_owners(unknown)
        self._strangers = {tcp.inode: self._strangers.get(tcp.inode, 0) + 1 for tcp in unknown}
        self._clear_away()

    def _families(self) -> Iterable[int]:
        """Sockets of IPv6 are rare: where somebody is known who has none, they are looked for now and then only."""
        self._rounds += 1
        known = (*self._listeners.values(), *self._connections.values())
        if known and self._rounds % _NOW_AND_THEN and not any(":" in each.tcp.own.host for each in known):
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

    def _find_owners(self, unknown: list[Tcp]) -> Iterator[None]:
        """Ask all processes for those that nobody is known to have."""
        held: dict[int, list[Child]] = {}
        yield from self._ask(deque(child for child in self._known.values() if child.pid), held)
        unknown[:] = [tcp for tcp in unknown if not self._recognise(tcp, held)]

    # What is found

    def _recognise(self, tcp: Tcp, held: Mapping[int, list[Child]]) -> bool:
        """Tell what is new of a socket. False: who has it is still to be found out. ``held``: who has which."""
        holders = held.get(tcp.inode, [])
        if tcp.state is State.LISTEN:
            listener = self._listeners.get(tcp.inode)
            if listener is None:
                if not holders:
                    return self._is_strange(tcp)
                listener = self._listeners[tcp.inode] = Listener(self._next_number(), tcp, [])
                self._listen_for_ends()
                self._tell(Listening(self._now_ns, listener.number, holders[0].pid, str(tcp.own), tcp.most))
            listener.hold(holders)
            self._tell_backlog(listener, tcp)
            return True
        connection = self._connections.get((tcp.own, tcp.peer))
        if connection is None:
            through = next((each for each in self._listeners.values() if each.serves(tcp)), None)
            if through is None and not holders:
                return tcp.inode == 0 or self._is_strange(tcp)
            if tcp.state in _OPEN:
                self._begin(tcp, holders, through)
            return True
        connection.hold(holders)
        self._tell_owner(connection, tcp)
        self._tell_bytes(connection, tcp)
        connection.seen = tcp.inode != 0 or connection.pid is None  # else its process has closed it
        return True

    def _is_strange(self, tcp: Tcp) -> bool:
        return self._strangers.get(tcp.inode, 0) >= _MISSES

    def _begin(self, tcp: Tcp, holders: list[Child], through: Listener | None) -> Connection:
        connection = Connection(self._next_number(), tcp, [*holders], through)
        self._connections[tcp.own, tcp.peer] = connection
        if tcp.inode and through is not None and not holders:
            connection.hold(through.acceptors(tcp.inode))
        owner = connection.owner()
        connection.pid = owner.pid if owner is not None else None
        listener = through.number if through is not None else None
        own, peer = str(tcp.own), str(tcp.peer)
        self._tell(Connected(self._now_ns, connection.number, own, peer, listener, connection.pid))
        self._tell_bytes(connection, tcp)
        return connection

    def _tell_backlog(self, listener: Listener, tcp: Tcp) -> None:
        listener.seen = True
        if tcp.unread != listener.waiting:
            listener.waiting = tcp.unread
            self._tell(Backlog(self._now_ns, listener.number, tcp.unread))

    def _tell_owner(self, connection: Connection, tcp: Tcp) -> None:
        if tcp.inode and not connection.living and connection.listener is not None:
            connection.hold(connection.listener.acceptors(tcp.inode))
        owner = connection.owner()
        if owner is not None and owner.pid != connection.pid:
            connection.pid = owner.pid
            self._tell(Accepted(self._now_ns, connection.number, owner.pid))

    def _tell_bytes(self, connection: Connection, tcp: Tcp) -> None:
        before, connection.tcp = connection.tcp, tcp
        if before is tcp:
            if not (tcp.received or tcp.sent or tcp.unread):
                return
        elif (before.received, before.sent, before.unread) == (tcp.received, tcp.sent, tcp.unread):
            return
        self._tell(Transferred(self._now_ns, connection.number, tcp.received, tcp.sent, tcp.unread))

    # What is over

    def _listen_for_ends(self) -> None:
        if self._ends is None:
            try:
                self._ends = Ends()
            except OSError:
                return  # the next round finds out
            self._poller.add(self._ends.fileno(), self._hear_of_ends)

    def _hear_of_ends(self) -> None:
        for tcp in self._ends.read() if self._ends is not None else ():
            connection = self._connections.get((tcp.own, tcp.peer))
            if connection is None:
                through = next((each for each in self._listeners.values() if each.serves(tcp)), None)
                if through is None or tcp.peer.port == 0 or self._has_left(tcp):
                    continue
                owner = through.owner()  # it was over before anybody looked
                connection = self._begin(tcp._replace(received=0, sent=0), [owner] if owner else [], through)
            # The end itself, where the other side says it, counts as a byte.
            said = (tcp.received or 0) > (connection.tcp.received or 0)
            received = None if tcp.received is None else tcp.received - said
            self._tell_bytes(connection, tcp._replace(received=received, unread=0))
            self._close(connection)

    def _has_left(self, tcp: Tcp) -> bool:
        try:
            self._left.remove((tcp.own, tcp.peer))
        except ValueError:
            return False
        return True

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.tcp.own, connection.tcp.peer]
        self._tell(Closed(self._now_ns, connection.number))

    def _clear_away(self) -> None:
        """What a whole round has not shown any more is gone."""
        for connection in [each for each in self._connections.values() if not each.seen]:
            self._left.append((connection.tcp.own, connection.tcp.peer))
            self._close(connection)
        for listener in self._listeners.values():
            listener.forget_leavers()
        for inode, listener in [*self._listeners.items()]:
            if not listener.seen or listener.owner() is None:
                del self._listeners[inode]
                self._tell(Closed(self._now_ns, listener.number))

    # On record

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    @property
    def _now_ns(self) -> int:
        return self._out.now_ns()

    def _tell(self, event: Event) -> None:
        self._out.add(Told(event))

    def close(self) -> None:
        """Give back what is held."""
        if self._ends is not None:
            self._poller.remove(self._ends.fileno())
            self._ends.close()
