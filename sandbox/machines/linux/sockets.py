"""The TCP sockets of this machine, as the system lists them: asked of it by netlink (sock_diag), where that is not
to be had read from ``/proc/net``, which does not count bytes."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from sandbox.addresses import Address


class State(IntEnum):
    """The states of TCP that matter here, by the system's numbers; a dead one has nothing that could be shown."""

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


class Tcp(NamedTuple):
    """One socket. ``inode`` 0: no process has it (yet, or any more); ``unread``: bytes that wait to be read, of a
    listener connections that wait to be accepted, of at most ``most`` (0: unknown); ``received`` and ``sent``: bytes,
    None where the system does not count them."""

    state: State
    own: Address
    peer: Address
    uid: int
    inode: int
    unread: int
    most: int
    received: int | None = None
    sent: int | None = None


def sockets() -> list[Tcp]:
    """All TCP sockets that live, of everybody. Raises OSError where the system tells nothing."""
    try:
        return [*_by_netlink(socket.AF_INET), *_by_netlink(socket.AF_INET6)]
    except OSError:
        return [*_by_proc("tcp", socket.AF_INET), *_by_proc("tcp6", socket.AF_INET6)]


# Netlink: <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>, <linux/tcp.h>

_SOCK_DIAG = 4
_BY_FAMILY = 20
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_INFO = 2  # INET_DIAG_INFO
_LIVING = sum(1 << state for state in State if state not in (State.TIME_WAIT, State.CLOSED))
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
_MESSAGE = struct.Struct("=BB2x2s2s16s16s12xIIIII")
_PORT = struct.Struct(">H")
_ATTRIBUTE = struct.Struct("=HH")
#: In struct tcp_info: received, and sent with what was sent again.
_RECEIVED, _SENT = struct.Struct("=128xQ"), struct.Struct("=200xQQ")
_ANSWER_MOST = 1 << 17
#: The other side has said that it sends no more, which counts as a byte.
_HEARD_THE_END = (State.CLOSE_WAIT, State.LAST_ACK, State.CLOSING)


def _by_netlink(family: int) -> Iterator[Tcp]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as link:
        link.settimeout(1)
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << _INFO - 1, _LIVING)
        link.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _DUMP, 0, 0) + request)
        while True:
            answer = link.recv(_ANSWER_MOST)
            at = 0
            while at < len(answer):
                length, kind, *_ = _HEADER.unpack_from(answer, at)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(-struct.unpack_from("=i", answer, at + _HEADER.size)[0], "sock_diag")
                yield _parse(answer, at + _HEADER.size, at + length)
                at += length + 3 & ~3


def _parse(answer: bytes, at: int, end: int) -> Tcp:
    family, state, own_port, peer_port, own, peer, _, unread, most, uid, inode = _MESSAGE.unpack_from(answer, at)
    length = 4 if family == socket.AF_INET else 16
    received = sent = None
    at += _MESSAGE.size
    while at + _ATTRIBUTE.size <= end:
        size, kind = _ATTRIBUTE.unpack_from(answer, at)
        if kind == _INFO and size >= _SENT.size + _ATTRIBUTE.size and state != State.LISTEN:
            received = _RECEIVED.unpack_from(answer, at + _ATTRIBUTE.size)[0] - (state in _HEARD_THE_END)
            total, again = _SENT.unpack_from(answer, at + _ATTRIBUTE.size)
            sent = total - again
        at += max(size + 3 & ~3, _ATTRIBUTE.size)
    return Tcp(
        State(state),
        Address(socket.inet_ntop(family, own[:length]), _PORT.unpack(own_port)[0]),
        Address(socket.inet_ntop(family, peer[:length]), _PORT.unpack(peer_port)[0]),
        uid,
        inode,
        unread,
        most if state == State.LISTEN else 0,
        received,
        sent,
    )


# /proc/net/tcp: numbers in hexadecimal, addresses in words of the machine's own byte order


def _by_proc(name: str, family: int) -> Iterator[Tcp]:
    try:
        with open(f"/proc/net/{name}") as file:
            lines = file.readlines()[1:]
    except FileNotFoundError:
        if name == "tcp":
            raise
        return  # no IPv6 here
    for line in lines:
        fields = line.split()
        state = State(int(fields[3], 16)) if int(fields[3], 16) in _STATES else State.CLOSED
        if state in (State.TIME_WAIT, State.CLOSED):
            continue
        unread = int(fields[4].partition(":")[2], 16)
        own, peer = (_address(field, family) for field in fields[1:3])
        yield Tcp(state, own, peer, int(fields[7]), int(fields[9]), unread, 0)


_STATES = {*State}


def _address(field: str, family: int) -> Address:
    host, _, port = field.partition(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    return Address(socket.inet_ntop(family, words), int(port, 16))


# Whose a socket is


def inodes(os_pid: int) -> set[int]:
    """The sockets among a process's descriptors; none where it is gone or not ours to look at."""
    found = set()
    folder = f"/proc/{os_pid}/fd"
    try:
        for name in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue  # it has closed this one meanwhile
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    except OSError:
        pass
    return found
