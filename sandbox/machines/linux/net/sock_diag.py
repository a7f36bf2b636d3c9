"""The TCP sockets of this machine, as the system lists them: by netlink (sock_diag(7)), and where that is not to be
had from ``/proc/net``, which does not count bytes."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from sandbox.machines.linux.procfs import net_table
from sandbox.util.addresses import Address


class TcpState(IntEnum):
    """The states of TCP, by the system's numbers."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECEIVED = 3
    FIN_WAIT_1 = 4
    FIN_WAIT_2 = 5
    TIME_WAIT = 6
    CLOSED = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11


#: Not connected yet, or not to anybody any more: these are left out.
_DEAD = (TcpState.SYN_SENT, TcpState.SYN_RECEIVED, TcpState.TIME_WAIT, TcpState.CLOSED)


class Tcp(NamedTuple):
    """One socket. ``inode`` 0: no process has it (yet, or any more); ``unread``: bytes that wait to be read, of a
    listener connections that wait to be accepted, of at most ``max_unread`` (0: unknown); ``received`` and ``sent``:
    bytes, None where the system does not count them."""

    state: TcpState
    own: Address
    peer: Address
    inode: int
    unread: int
    max_unread: int
    received: int | None = None
    sent: int | None = None


def sockets() -> Iterator[Tcp]:
    """All of them, of all users. Raises OSError where the system does not tell."""
    for family in FAMILIES:
        for some in list_sockets(family):
            yield from some


def list_sockets(family: int) -> Iterator[list[Tcp]]:
    """Those of a family (AF_INET, AF_INET6), some at a time, so that something else can be done in between. Raises
    OSError where the system does not tell."""
    try:
        link = _ask(family)
    except OSError:
        yield [*_by_proc("tcp" if family == socket.AF_INET else "tcp6", family)]
    else:
        with link:
            yield from _answers(link)


FAMILIES = (socket.AF_INET, socket.AF_INET6)


# Netlink: <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>, <linux/tcp.h>

_SOCK_DIAG = 4
_BY_FAMILY = 20
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_INFO = 2  # INET_DIAG_INFO
_LIVING = sum(1 << state for state in TcpState if state not in _DEAD)
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence number, sender
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2: family, protocol, attributes, states, socket
#: struct inet_diag_msg: family, state, both ports, both addresses, expires, the two queues, owner, inode.
_MESSAGE = struct.Struct("=BB2x2s2s16s16s12xIIIII")
_PORT = struct.Struct(">H")
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type
#: In struct tcp_info: bytes received; bytes sent, and bytes sent again.
_RECEIVED, _SENT = struct.Struct("=128xQ"), struct.Struct("=200xQQ")
#: No answer of the system is longer, in bytes.
_MAX_ANSWER = 1 << 17
#: The groups of messages about TCP sockets that are destroyed, of both families.
_DESTROYED = 1 << 0 | 1 << 2
#: So many ends are read in one go.
_MAX_ENDS = 100
#: The other side has said that it sends no more, which counts as a byte.
_HEARD_THE_END = (TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING)


def _ask(family: int) -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG)
    try:
        link.settimeout(1)
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << _INFO - 1, _LIVING)
        link.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _DUMP, 0, 0) + request)
    except OSError:
        link.close()
        raise
    return link


def _answers(link: socket.socket) -> Iterator[list[Tcp]]:
    while True:
        answer = link.recv(_MAX_ANSWER)
        found: list[Tcp] = []
        for kind, at, end in _messages(answer):
            if kind == _ERROR:
                number = -struct.unpack_from("=i", answer, at)[0]
                raise OSError(number, os.strerror(number))
            if kind == _DONE:
                yield found
                return
            found.append(_parse(answer, at, end))
        yield found


def _messages(answer: bytes) -> Iterator[tuple[int, int, int]]:
    """Each message in an answer: its kind, where its body begins, and where it ends."""
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, at)
        yield kind, at + _HEADER.size, at + length
        at += max(length + 3 & ~3, _HEADER.size)


def _parse(answer: bytes, at: int, end: int) -> Tcp:
    family, state, own_port, peer_port, own, peer, _, unread, limit, _, inode = _MESSAGE.unpack_from(answer, at)
    length = 4 if family == socket.AF_INET else 16
    received = sent = None
    at += _MESSAGE.size
    while at + _ATTRIBUTE.size <= end:
        size, kind = _ATTRIBUTE.unpack_from(answer, at)
        if kind == _INFO and size >= _SENT.size + _ATTRIBUTE.size and state != TcpState.LISTEN:
            received = _RECEIVED.unpack_from(answer, at + _ATTRIBUTE.size)[0] - (state in _HEARD_THE_END)
            total, again = _SENT.unpack_from(answer, at + _ATTRIBUTE.size)
            sent = total - again
        at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return Tcp(
        TcpState(state),
        Address(_host(family, own[:length]), _PORT.unpack(own_port)[0]),
        Address(_host(family, peer[:length]), _PORT.unpack(peer_port)[0]),
        inode,
        unread,
        limit if state == TcpState.LISTEN else 0,
        received,
        sent,
    )


class Ends:
    """Tells of every TCP connection that is over, with what went over it, however short it was. Making one raises
    OSError where the system does not tell."""

    def __init__(self) -> None:
        self._link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG)
        try:
            self._link.setblocking(False)
            self._link.bind((0, _DESTROYED))
        except OSError:
            self._link.close()
            raise

    def fileno(self) -> int:
        return self._link.fileno()

    def read(self) -> list[Tcp]:
        """Those that are over since the last time."""
        found: list[Tcp] = []
        try:
            while len(found) < _MAX_ENDS:
                answer = self._link.recv(_MAX_ANSWER)
                found += (_parse(answer, at, end) for kind, at, end in _messages(answer) if kind == _BY_FAMILY)
        except OSError:
            pass  # no more; or more than the system keeps for us, and the list of those that live tells of them
        return found

    def close(self) -> None:
        self._link.close()


# /proc/net/tcp: numbers in hexadecimal, addresses in words of the machine's own byte order


def _by_proc(name: str, family: int) -> Iterator[Tcp]:
    try:
        lines = net_table(name)
    except FileNotFoundError:
        if name == "tcp":
            raise
        return  # no IPv6 here
    for line in lines:
        fields = line.split()
        if (number := int(fields[3], 16)) not in _STATES:
            continue
        state = TcpState(number)
        unread = int(fields[4].partition(":")[2], 16)
        own, peer = (_address(field, family) for field in fields[1:3])
        yield Tcp(state, own, peer, int(fields[9]), unread, 0)


_STATES = {*TcpState} - {*_DEAD}


def _address(field: str, family: int) -> Address:
    host, _, port = field.partition(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    return Address(_host(family, words), int(port, 16))


def _host(family: int, number: bytes) -> str:
    """As people write it; an IPv4 client of an IPv6 server is written as IPv4."""
    return socket.inet_ntop(family, number).removeprefix("::ffff:")
