"""Which process listens, which are connected to which, and what goes over it: found in the system's list of sockets,
not asked of the programs, so that a student's own server and any client from outside are seen as well as ours."""

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

#: From one round to the next: where somebody listens or is connected, and where nobody is known to; and how soon after
#: a process has come that may listen.
_BUSY_NS, _QUIET_NS, _SOON_NS = 20 * MS, 500 * MS, 2 * MS
#: It is looked a piece at a time, and after each piece there is a pause, as a rule so many times as long as that took.
_PAUSE_FACTOR = 33
#: News may come sooner, as far as less than one part in so many of our time was used before; and no more than so much
#: is saved up for them. All in all looking never takes more than a twentieth of a CPU.
_SHARE, _NEWS_PAUSE_FACTOR, _MAX_SAVED_NS = 22, 3, 100 * MS
#: So many connections are told of in one piece.
_TOLD = 40
#: Every 25th round looks for sockets of IPv6, even though nobody is known to have one.
_IPV6_ROUNDS = 25
#: From one process to the next that is asked again whether it still has what it had.
_RECHECK_NS = 200 * MS
#: So many connections are remembered that were reported to be over before the system said so.
_MAX_CLOSED = 8_192


class NetMonitor:
    """Looks again and again, at bounded cost, at the sockets of the processes that are ``known`` by the system's
    number. Times are of CLOCK_MONOTONIC, because clients outside do not stand still in a pause."""

    def __init__(self, known: Mapping[int, Child], poller: Poller, reports: Reports) -> None:
        self._known = known
        self._reports = reports
        self._poller = poller
        self._number = 0
        # By the number that the system gives a socket; by both its ends; connections that have a number by that, too.
        self._listeners: dict[int, Listener] = {}
        self._connections: dict[bytes, Connection] = {}
        self._by_inode: dict[int, Connection] = {}
        self._holders = SocketHolders(self._by_inode)
        # This round has shown them, and their holders are to be found: listeners by inode; connections by both ends,
        # new ones and those that have just been accepted.
        self._new_listeners: dict[int, Tcp] = {}
        self._wanted: dict[bytes, Tcp] = {}
        #: Those of them that are to be looked for among the descriptors of all processes, by inode.
        self._sought: set[int] = set()
        #: Whether the round before has shown such ones: where some came, more come.
        self._news = False
        #: Connections whose holders have let go of them, or have ended: somebody else may have them.
        self._lost: set[int] = set()
        #: Sockets that none of our processes was found to have.
        self._strangers: set[int] = set()
        self._strangers_before: set[int] = set()
        #: Reported to be over, though the system may not have forgotten them yet; the last one last.
        self._closed: dict[bytes, None] = {}
        #: One round; each piece says whether there is news to be told.
        self._round: Iterator[bool] | None = None
        self._rounds = 0
        #: CPU time that may be used for news, and when (CLOCK_MONOTONIC) that was so.
        self._saved_ns = self._saved_at_ns = 0
        self._recheck_ns = 0
        #: When to look again.
        self.next_ns = 0
        #: Tells of ends, once somebody listens, where the system does.
        self._ends: Ends | None = None

    def add(self, child: Child) -> None:
        """Look at this one's sockets, too."""
        if child.spec.work is None:
            self._holders.add(child)
            self.next_ns = min(self.next_ns, time.monotonic_ns() + _SOON_NS)

    def look(self) -> None:
        """If it is time: one piece of a round. Whatever else has happened is reported first, because a process has no
        pid before its admission."""
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
            pause_ns = 1 << 62  # for ever: it would fail again
            self._reports.fault(None, "no list of sockets", reason=error.strerror)
        used_ns = time.thread_time_ns() - began_ns
        self.next_ns = time.monotonic_ns() + max(pause_ns, self._pause_ns(used_ns, news))

    def _pause_ns(self, used_ns: int, news: bool) -> int:
        """After a piece that took so much of a CPU."""
        now_ns = time.monotonic_ns()
        saved_ns = self._saved_ns + (now_ns - self._saved_at_ns) // _SHARE
        self._saved_ns, self._saved_at_ns = min(saved_ns, _MAX_SAVED_NS) - used_ns, now_ns
        return used_ns * (_NEWS_PAUSE_FACTOR if news and self._saved_ns > 0 else _PAUSE_FACTOR)

    def _look_round(self) -> Iterator[bool]:
        """Look at all sockets, a piece at a time: list them, ask whose the new ones are, tell."""
        if all(child.spec.work is not None for child in self._known.values()):
            return
        self._rounds += 1
        self._holders.sweep()
        for each in (self._new_listeners, self._wanted, self._sought):
            each.clear()  # of a round that could not be ended
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
        """Sockets of IPv6 are rare: while some are known, and none of them is one, few rounds look for them."""
        if not (self._listeners or self._connections) or self._rounds % _IPV6_ROUNDS == 0:
            return FAMILIES
        known: Iterable[Listener | Connection] = chain(self._listeners.values(), self._connections.values())
        return FAMILIES if any(each.tcp.family == socket.AF_INET6 for each in known) else (socket.AF_INET,)

    # What the system shows

    def _see(self, tcp: Tcp) -> None:
        """Take in a socket from the system's list. Most are known, and nothing about them has changed."""
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
            self._open(tcp, listener, None)  # nobody has accepted it yet

    def _is_strange(self, inode: int) -> bool:
        """Whether a socket was looked for in vain, and none of the processes that have come since has it."""
        return inode in self._strangers_before and inode not in self._holders

    def _see_change(self, connection: Connection, tcp: Tcp) -> None:
        before = connection.tcp
        if tcp.inode == 0 and (before.inode or tcp.state not in CONNECTED):
            return  # the process has closed it, or nobody will accept it any more
        if before.inode not in (0, tcp.inode):
            self._close(connection)  # both ends are the same, and yet it is another one
            self._see_new(tcp)
            return
        if tcp.inode != before.inode:
            self._want(tcp, connection.listener)
        connection.round = self._rounds
        self._tell_bytes(connection, tcp)

    def _want(self, tcp: Tcp, listener: Listener | None) -> None:
        """Tell whose connection this is. Where a single process has the listener, it is taken to have accepted what
        came through that, until somebody else is found to have it."""
        self._wanted[tcp.ends] = tcp
        if listener is None or len(listener.holders) != 1:
            self._sought.add(tcp.inode)

    def _serving(self, tcp: Tcp) -> Listener | None:
        """The listener that a connection came through, if that is ours; of several at one port that of its holder."""
        serving = [each for each in self._listeners.values() if each.serves(tcp)]
        if len(serving) > 1:
            holders = {*self._holders.of(tcp.inode)}
            serving.sort(key=lambda each: holders.isdisjoint(each.holders))
        return next(iter(serving), None)

    def _find_holders(self) -> Iterator[None]:
        """Ask for the sockets that nobody is known to have, those first who may accept connections."""
        lost = (self._by_inode.get(inode) for inode in self._lost)
        self._sought.update(each.tcp.inode for each in lost if each is not None and each.round == self._rounds)
        self._sought.update(self._new_listeners)
        if self._sought:
            first = dict.fromkeys(chain.from_iterable(each.holders for each in self._listeners.values()))
            yield from self._holders.find(self._sought, first, all_of_them=bool(self._new_listeners))
        self._lost.clear()
        self._sought.clear()

    # What is told

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
        """Those whose holders were to be found; an end that comes meanwhile takes them from the list."""
        told = 0
        while self._wanted:
            _, tcp = self._wanted.popitem()
            self._holders.changed.discard(tcp.inode)
            connection = self._connections.get(tcp.ends)
            listener = self._serving(tcp)
            if connection is not None and listener not in (None, connection.listener):
                self._close(connection)  # before anybody had accepted it nobody knew through which listener it came
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
        """Of known sockets whose holders are others than before."""
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
            seen = self._wanted.pop(tcp.ends, None)
            connection = self._connections.get(tcp.ends) or self._open_late(tcp, seen)
            if connection is None:
                continue
            # The end itself, where the other side says it, counts as a byte.
            said = (tcp.received or 0) > (connection.tcp.received or 0)
            received = None if tcp.received is None else tcp.received - said
            self._tell_bytes(connection, tcp._replace(inode=connection.tcp.inode, received=received, unread=0))
            self._close(connection)

    def _open_late(self, tcp: Tcp, seen: Tcp | None) -> Connection | None:
        """One that came through a listener of ours and was over before anybody was told of it."""
        if tcp.ends in self._closed:
            del self._closed[tcp.ends]  # its end was reported already; the system tells it once
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
        """What a whole round has not shown any more is over."""
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
        """Give back what is held."""
        if self._ends is not None:
            self._poller.remove(self._ends.fileno())
            self._ends.close()
