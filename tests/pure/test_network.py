"""Who listens and who is connected: addresses as people write them, the system's list, and the fold of the events."""

from __future__ import annotations

import os
import socket
import time

import pytest

from sandbox.machines.linux.net import sock_diag as system
from sandbox.machines.linux.net.sock_diag import TcpState
from sandbox.machines.linux.procfs_files import socket_inodes
from sandbox.model.events import (
    Accepted,
    Admitted,
    Backlog,
    Blocked,
    Clause,
    Closed,
    Connected,
    Descheduled,
    Dispatched,
    Event,
    Listening,
    Ready,
    Transferred,
    decode,
    encode,
)
from sandbox.util.addresses import Address, parse_address
from sandbox.util.units import MS
from sandbox.views.board import Board
from tests.support.kernel_script import HEAD
from tests.support.views import in_backlog, with_peer

AT, PEER = "127.0.0.1:9001", "127.0.0.1:51514"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9001", Address("127.0.0.1", 9001)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:80", Address("::1", 80)),
        ("a-name.of.mine:65535", Address("a-name.of.mine", 65535)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "9001", ":9001", "::1:9001", "host:", "host:65536", "host:-1", "a b:1", "host:٣"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("::", False)]
)
def test_what_other_machines_cannot_reach(host: str, loopback: bool) -> None:
    assert Address(host, 1).is_loopback is loopback


def fold(*events: Event) -> Board:
    board = Board()
    for event in events:
        board.apply(decode(encode(event)))
    return board


def test_a_connection_from_the_backlog_to_its_end() -> None:
    begun = [
        Admitted(0, 1, "server", "forking-server"),
        Listening(0, 1, 1, AT, 1024),
        Backlog(1 * MS, 1, 1),
        Connected(1 * MS, 2, AT, PEER, 1, None),
        Transferred(1 * MS, 2, 5, 0, 5),
    ]
    network = fold(*begun).network
    connection = network.connections[2]
    assert in_backlog(connection)
    assert (network.listeners[1].at, network.listeners[1].backlog, network.listeners[1].waiting) == (AT, 1024, 1)
    assert (connection.received, connection.unread) == (5, 5)
    assert with_peer(network, PEER) is connection
    taken = [*begun, Backlog(2 * MS, 1, 0), Accepted(2 * MS, 2, 1), Transferred(3 * MS, 2, 5, 5, 0)]
    network = fold(*taken).network
    assert [each.number for each in network.of(1)] == [2]
    assert not in_backlog(network.connections[2])
    network = fold(*taken, Closed(4 * MS, 2)).network
    assert network.connections == {}
    assert [(each.number, each.sent, each.ended_ns) for each in network.ended] == [(2, 5, 4 * MS)]
    assert fold(*taken, Closed(4 * MS, 2), Closed(5 * MS, 1)).network.listeners == {}


def test_how_long_an_answer_waited_for_the_cpu() -> None:
    first_turn = [
        Admitted(0, 1, "server", "iterative-server"),
        Connected(0, 1, AT, PEER, None, 1),
        Ready(0, 1, "admitted"),
        Dispatched(1 * MS, 1, 0, None, HEAD),
    ]
    assert fold(*first_turn).network.connections[1].waited_ns is None, "nobody has asked for anything yet"
    waits = [
        Descheduled(2 * MS, 1, 0, 1 * MS, "blocked"),
        Blocked(2 * MS, 1, Clause("recv")),
        Ready(10 * MS, 1, "woke"),
        Dispatched(17 * MS, 1, 0, None, HEAD),
    ]
    assert fold(*first_turn, *waits).network.connections[1].waited_ns == 7 * MS


def test_sockets_change_nobody_s_state_and_explain_nothing() -> None:
    board = fold(Admitted(0, 1, "server", "x"), Listening(5 * MS, 1, 1, AT, 5))
    assert board.now_ns == 5 * MS
    assert not any(isinstance(event, Listening) for event in board.recent)


@pytest.mark.parametrize("netlink", [True, False])
def test_the_system_s_list(netlink: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not netlink:

        def refuse(family: int) -> socket.socket:
            raise PermissionError

        monkeypatch.setattr(system, "_ask", refuse)
    listener = socket.create_server(("127.0.0.1", 0), backlog=7)
    with listener, socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"hello")
        at, own = Address(*listener.getsockname()), Address(*client.getsockname())
        found = list(system.sockets())
        [listening] = [tcp for tcp in found if tcp.own == at and tcp.state is TcpState.LISTEN]
        [waiting] = [tcp for tcp in found if (tcp.own, tcp.peer) == (at, own)]
        [outside] = [tcp for tcp in found if (tcp.own, tcp.peer) == (own, at)]
        assert listening.unread == 1, "one waits to be accepted"
        assert (listening.max_unread, waiting.received, outside.sent) == ((7, 5, 5) if netlink else (0, None, None))
        assert (waiting.inode, waiting.unread) == (0, 5), "nobody has it yet"
        assert outside.inode in socket_inodes(os.getpid())


def test_ends_are_told_with_what_went_over_it() -> None:
    try:
        ends = system.Ends()
    except OSError:
        pytest.skip("this system does not tell of ends")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        at = Address(*listener.getsockname())
        with socket.create_connection(at) as client:
            served, peer = listener.accept()
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            while served.recv(9):
                pass
            served.sendall(b"HELLO")
            served.close()
            while client.recv(9):
                pass
        told: list[system.Tcp] = []
        give_up = time.monotonic() + 5
        while not told and time.monotonic() < give_up:  # the system takes its time to tell
            told = [tcp for tcp in ends.read() if (tcp.own, tcp.peer) == (at, Address(*peer))]
    ends.close()
    assert [(tcp.sent, tcp.received) for tcp in told] == [(5, 6)], "the client's end counts as a byte"
