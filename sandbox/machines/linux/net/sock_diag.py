"""The TCP sockets of this machine, as listed by the system.

They are read by netlink (sock_diag(7)), or, if that is not available, from ``/proc/net``, which does not count bytes.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

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


#: The positions of ports and addresses in ``Tcp.ends``; each address has room for one of IPv6.
OWN_PORT, _PEER_PORT, OWN_HOST, _PEER_HOST = slice(0, 2), slice(2, 4), slice(4, 20), slice(20, 36)
#: States before and after a connection, which are left out.
_DEAD = (TcpState.SYN_SENT, TcpState.SYN_RECEIVED, TcpState.TIME_WAIT, TcpState.CLOSED)


#: States in which a connection exists on our side.
CONNECTED = (TcpState.ESTABLISHED, TcpState.CLOSE_WAIT)


def other_side(ends: bytes) -> bytes:
    """Return ``ends`` from the point of view of the other socket of the connection."""
    return ends[_PEER_PORT] + ends[OWN_PORT] + ends[_PEER_HOST] + ends[OWN_HOST]


class Tcp(NamedTuple):
    """One socket.

    ``ends``: both ports and both addresses in the system's format, which identify a connection; ``inode``: 0 if no
    process has it (yet, or any more); ``unread``: bytes that wait to be read, or, for a listener, connections that wait
    to be accepted, of at most ``max_unread`` (0: unknown); ``received`` and ``sent``: bytes, None if the system does
    not count them. Most sockets are polled again and again without a change, so addresses are converted to text only on
    demand.
    """

    family: int
    state: TcpState
    ends: bytes
    inode: int
    unread: int
    max_unread: int
    received: int | None = None
    sent: int | None = None

    @property
    def own(self) -> Address:
        return self._address(OWN_HOST, OWN_PORT)

    @property
    def peer(self) -> Address:
        return self._address(_PEER_HOST, _PEER_PORT)

    def _address(self, host: slice, port: slice) -> Address:
        """Return an address as text; an IPv4 client of an IPv6 server is written as IPv4."""
        number = self.ends[host][: 4 if self.family == socket.AF_INET else 16]
        written = socket.inet_ntop(self.family, number).removeprefix("::ffff:")
        return Address(written, int.from_bytes(self.ends[port], "big"))


def sockets() -> Iterator[Tcp]:
    """Yield all sockets of all users. Raises OSError if the system does not list them."""
    for family in FAMILIES:
        for some in list_sockets(family):
            yield from some


def list_sockets(family: int) -> Iterator[list[Tcp]]:
    """Yield the sockets of a family (AF_INET, AF_INET6), some at a time, so that other work can be done in between.
    Raises OSError if the system does not list them."""
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
_BEGINNING = struct.Struct("=IH")
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2: family, protocol, attributes, states, socket
#: struct inet_diag_msg: family, state, both ports and both addresses, expires, the two queues, owner, inode.
_MESSAGE = struct.Struct("=BB2x36s12x4xII4xI")
#: Both ports and both addresses within ``Tcp.ends``.
_ENDS = struct.Struct("2s2s16s16s")
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type
#: The usual size of the attributes before INET_DIAG_INFO: shutdown state, traffic class, mark and the like.
_BEFORE_INFO = 36
#: In struct tcp_info: bytes received; bytes sent, and bytes retransmitted.
_COUNTED = struct.Struct("=128xQ64xQQ")
_BY_NUMBER = {state.value: state for state in TcpState}
#: A message and its struct tcp_info, if that is in its usual place.
_ROW = struct.Struct("=IH10xBB2x36s12x4xII4xI36xHH128xQ64xQQ")
#: The maximum size of an answer of the system, in bytes.
_MAX_ANSWER = 1 << 17
#: The netlink groups that are notified of destroyed TCP sockets, of both families.
_DESTROYED = 1 << 0 | 1 << 2
#: How many ends are read at once.
_MAX_ENDS = 100
#: States in which the FIN of the other side was received, which counts as a byte.
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
        found = _parse_uniform(answer)
        if found is not None:
            yield found  # some 80 sockets
            continue
        found = []
        for kind, at, end in _messages(answer):
            if kind == _ERROR:
                number = -struct.unpack_from("=i", answer, at)[0]
                raise OSError(number, os.strerror(number))
            if kind == _DONE:
                yield found
                return
            found.append(_parse(answer, at, end))
        yield found


def _parse_uniform(answer: bytes) -> list[Tcp] | None:
    """Parse an answer in which all messages have the same layout at once, which takes a third of the time. Return None
    if the layouts differ."""
    length, kind = _BEGINNING.unpack_from(answer)
    if kind != _BY_FAMILY or length % 4 or len(answer) % length or length < _ROW.size:
        return None
    shape = (length, _BY_FAMILY, length - _HEADER.size - _MESSAGE.size - _BEFORE_INFO, _INFO)
    found = []
    for size, kind, family, number, ends, unread, limit, inode, part, attribute, received, sent, again in struct.Struct(
        f"{_ROW.format}{length - _ROW.size}x"
    ).iter_unpack(answer):
        if (size, kind, part, attribute) != shape:
            return None
        state = _BY_NUMBER.get(number, TcpState.CLOSED)
        if state is TcpState.LISTEN:
            found.append(Tcp(family, state, ends, inode, unread, limit))
        else:
            heard = received - (state in _HEARD_THE_END)
            found.append(Tcp._make((family, state, ends, inode, unread, 0, heard, sent - again)))
    return found


def _messages(answer: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each message in an answer: its type, the start of its body, and its end."""
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind = _BEGINNING.unpack_from(answer, at)
        yield kind, at + _HEADER.size, at + length
        at += max(length + 3 & ~3, _HEADER.size)


def _parse(answer: bytes, at: int, end: int) -> Tcp:
    family, number, ends, unread, limit, inode = _MESSAGE.unpack_from(answer, at)
    state = _BY_NUMBER.get(number, TcpState.CLOSED)
    if state is TcpState.LISTEN:
        return Tcp(family, state, ends, inode, unread, limit)
    info = _find_info(answer, at + _MESSAGE.size, end)
    if info is None:
        return Tcp(family, state, ends, inode, unread, 0)
    received, sent, again = _COUNTED.unpack_from(answer, info)
    return Tcp(family, state, ends, inode, unread, 0, received - (state in _HEARD_THE_END), sent - again)


def _find_info(answer: bytes, at: int, end: int) -> int | None:
    """Return the offset of the struct tcp_info in a message, or None. It is usually the last attribute, after
    _BEFORE_INFO bytes."""
    usual = at + _BEFORE_INFO
    if usual + _ATTRIBUTE.size <= end and _ATTRIBUTE.unpack_from(answer, usual) == (end - usual, _INFO):
        at = usual
    while at + _ATTRIBUTE.size <= end:
        size, kind = _ATTRIBUTE.unpack_from(answer, at)
        if kind == _INFO:
            return at + _ATTRIBUTE.size if size >= _COUNTED.size + _ATTRIBUTE.size else None
        at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return None


# Unix domain sockets: <linux/unix_diag.h>

_UNIX_REQUEST = struct.Struct(
    "=BBxxIIIii"
)  # struct unix_diag_req: family, protocol, states, inode, what to show, cookie
_SHOW_PEER, _PEER = 4, 2
_UNIX_MESSAGE_SIZE = 16
#: The flag in /proc/net/unix of a socket that accepts connections (__SO_ACCEPTCON).
_ACCEPTS = 1 << 16


def unix_peer(inode: int) -> int | None:
    """Return the inode of the peer of a Unix domain socket, given by inode; None if it has none, or the system does not
    tell."""
    request = _UNIX_REQUEST.pack(socket.AF_UNIX, 0, 0xFFFFFFFF, inode, _SHOW_PEER, -1, -1)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as link:
            link.settimeout(1)
            link.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, 1, 0, 0) + request)
            answer = link.recv(_MAX_ANSWER)
    except OSError:
        return None
    for kind, at, end in _messages(answer):
        attribute_at = at + _UNIX_MESSAGE_SIZE
        while kind == _BY_FAMILY and attribute_at + _ATTRIBUTE.size + 4 <= end:
            size, attribute = _ATTRIBUTE.unpack_from(answer, attribute_at)
            if attribute == _PEER:
                peer: int = struct.unpack_from("=I", answer, attribute_at + _ATTRIBUTE.size)[0]
                return peer
            attribute_at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return None


def unix_listeners(path: str) -> list[int]:
    """Return the inodes of the sockets that accept connections at a path; none if the system does not tell."""
    try:
        rows = [line.rstrip("\n").split(maxsplit=7) for line in net_table("unix")]
    except OSError:
        return []
    return [int(row[6]) for row in rows if row[7:] == [path] and int(row[3], 16) & _ACCEPTS]


class Ends:
    """Reports every TCP connection that has ended, with its bytes, however short it was. The constructor raises OSError
    if the system does not support that."""

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
        """Return connections that have ended since the last call."""
        found: list[Tcp] = []
        try:
            while len(found) < _MAX_ENDS:
                answer = self._link.recv(_MAX_ANSWER)
                found += (_parse(answer, at, end) for kind, at, end in _messages(answer) if kind == _BY_FAMILY)
        except OSError:
            pass  # no more; or notifications were lost, which the next listing makes up for
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
        return  # no IPv6 on this system
    for line in lines:
        fields = line.split()
        state = _BY_NUMBER.get(int(fields[3], 16), TcpState.CLOSED)
        if state not in _DEAD:
            unread = int(fields[4].partition(":")[2], 16)
            (own, own_port), (peer, peer_port) = map(_address, fields[1:3])
            yield Tcp(family, state, _ENDS.pack(own_port, peer_port, own, peer), int(fields[9]), unread, 0)


def _address(field: str) -> tuple[bytes, bytes]:
    """Return the address and the port in network byte order."""
    host, _, port = field.partition(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    return words, bytes.fromhex(port)
