"""Servers and their clients in the sandbox: who is on the board, who waits and for what, and what went over the wire,
as the system tells it, whatever the program is and whoever connects."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.model.commands import Kill
from sandbox.model.events import Admitted, Blocked, Clause, Connected, Exited, Listening
from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.views.network import Connection, Network
from tests.support.real import SENSORS, Watch, run_real
from tests.support.run import ossandbox
from tests.support.scenarios import command, process, quick_python, scenario
from tests.support.servers import ask, client, hear, server, serving
from tests.support.views import in_backlog

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def board(run: Watch) -> Board:
    """Where everybody is."""
    folded = Board()
    for event in run.events:
        folded.apply(event)
    return folded


def network(run: Watch) -> Network:
    return board(run).network


def connected(run: Watch, number: int) -> list[Connection]:
    """So many connections that came through a listener, once they have been given to whom they belong."""

    def theirs() -> list[Connection]:
        return [each for each in network(run).connections.values() if each.listener is not None]

    return run.until(lambda: found if len(found := theirs()) == number else [], f"{number} connections")


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_handler_for_each_client(sensor: str) -> None:
    """Three clients: three children on the board under the server, each waiting for its own client; one is killed, and
    its client alone is told."""
    with ExitStack() as stack:
        run, address = stack.enter_context(serving(server(), sensor=sensor))
        clients = [stack.enter_context(client(address)) for _ in range(3)]
        assert [ask(run, each, b"hello") for each in clients] == [b"HELLO"] * 3
        peers = [f"127.0.0.1:{each.getsockname()[1]}" for each in clients]
        children = run.until(lambda: found if len(found := run.all(Admitted)[1:]) == 3 else [], "three children")
        assert {child.parent for child in children} == {1}

        def causes() -> dict[int, Clause | None]:
            return {pid: row.on for pid, row in board(run).rows.items() if pid in board(run).blocked}

        waiting = [Clause("recv", {"at": peer}) for peer in peers]
        pids = [child.pid for child in children]
        run.until(lambda: [causes().get(pid) for pid in pids] == waiting, "each waits for its client")
        run.until(lambda: causes().get(1) == Clause("accept", {"at": str(address)}), "the server waits for the next")

        def handlers() -> dict[str, tuple[int | None, int | None, int | None]]:
            connections = network(run).connections.values()
            return {each.peer: (each.pid, each.received, each.sent) for each in connections}

        run.until(lambda: handlers() == {peers[at]: (pids[at], 5, 5) for at in range(3)}, "whose is which is told")
        run.link.send(Kill(str(pids[1])))
        assert hear(run, clients[1], 1) in (b"", b"!")
        run.until(lambda: peers[1] not in handlers(), "its connection is over")
        assert [ask(run, each, b"again") for each in (clients[0], clients[2])] == [b"AGAIN"] * 2
        assert [event.signal for event in run.all(Exited) if event.pid == pids[1]] == [signal.SIGTERM]


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_second_client_of_an_iterative_server_waits_in_the_kernel(sensor: str) -> None:
    with serving(server("iterative-server"), sensor=sensor) as (run, address), client(address) as first:
        assert ask(run, first, b"hello") == b"HELLO"
        with client(address) as second:
            second.sendall(b"hello")
            one, two = sorted(connected(run, 2), key=in_backlog)
            assert (one.pid, two.pid) == (1, None)
            assert two.peer.endswith(f":{second.getsockname()[1]}")
            run.until(lambda: network(run).connections[two.number].unread == 5, "what it says waits, too")
            assert [each.waiting for each in network(run).listeners.values()] == [1]
            first.close()
            assert hear(run, second, 5) == b"HELLO"
            run.until(lambda: network(run).connections[two.number].pid == 1, "it has been accepted")


def test_a_server_that_never_blocks_burns_its_slices() -> None:
    with serving(server("nonblocking-server"), process("other", "cpu 10s")) as (run, address), client(address) as one:
        assert ask(run, one, b"hello") == b"HELLO"
        run.until(lambda: "for nothing" in run.wrote("server"), "it says what its asking came to")
        assert run.all(Blocked, "server") == []
        cpu_ns = {row.name: row.cpu_ns for row in board(run).rows.values()}
        assert cpu_ns["server"] > cpu_ns["other"] // 2, "it takes its full share for five letters"


_SOCKETSERVER = quick_python(
    "import socketserver",
    "class Handler(socketserver.StreamRequestHandler):",
    "    def handle(self):",
    "        for line in self.rfile: self.wfile.write(line.upper())",
    "socketserver.ForkingTCPServer.allow_reuse_address = True",
    "socketserver.ForkingTCPServer(('127.0.0.1', 0), Handler).serve_forever()",
)


def test_a_student_s_own_server_is_seen_as_well() -> None:
    with serving(command("mine", *_SOCKETSERVER)) as (run, address), client(address) as one:
        assert ask(run, one, b"hello\n") == b"HELLO\n"
        [connection] = connected(run, 1)
        handler = run.until(lambda: run.all(Admitted)[1:], "its child is on the board")[0]
        run.until(
            lambda: network(run).connections[connection.number].pid == handler.pid, "the child has the connection"
        )
        number = connection.number
        run.until(lambda: network(run).connections[number].sent == 6, "what it said is counted")
        one.close()
        run.until(lambda: [each.number for each in network(run).ended] == [number], "its end is told")


def test_connections_too_short_to_be_looked_at_are_told_nevertheless() -> None:
    with serving(server()) as (run, address):
        for _ in range(20):
            with client(address) as one:
                assert ask(run, one, b"hello") == b"HELLO"
        ended = run.until(lambda: found if len(found := network(run).ended) == 20 else [], "all have ended")
        assert {(each.received, each.sent) for each in ended} == {(5, 5)}


def test_a_client_that_is_a_process() -> None:
    said = ProcessSpec("it", program="client", connect="server", say=["hello", "world"], every_ns=100 * MS, times=3)
    with serving(server(), said) as (run, _):
        assert run.ended("it").code == 0
        run.until(lambda: len(network(run).ended) == 2, "both ends of its connection are told")
        assert run.wrote("it") == "HELLO\nWORLD\nHELLO\n"
        ends = {each.listener is None: each for each in network(run).ended}
        assert (ends[True].own, ends[True].sent, ends[True].pid) == (ends[False].peer, 15, run.admitted("it").pid)


def test_a_client_that_is_a_process_and_whose_server_dies() -> None:
    said = ProcessSpec("it", program="client", connect="server", every_ns=10 * MS)
    with serving(server(), said) as (run, _):
        run.until(lambda: run.wrote("it"), "it has been answered")
        run.link.send(Kill("server"))
        assert run.ended("it").code == 1


def test_a_run_ends_when_its_clients_have_left() -> None:
    said = ProcessSpec("it", program="client", connect="server", every_ns=10 * MS, times=2)
    events = run_real(scenario(server(), said))
    assert [event.code for event in events if isinstance(event, Exited)] == [0, 0], "the client, and its handler"


def test_where_nobody_connects_no_socket_is_looked_for() -> None:
    events = run_real(scenario(process("a", "cpu 5ms"), command("b", "sleep", "0.1")))
    assert [event for event in events if isinstance(event, (Listening, Connected))] == []


CLIENTS = """
[[process]]
name = "server"
program = "{program}"
listen = "127.0.0.1:0"
[[process]]
name = "work"
work = ["cpu 100ms"]
[[client]]
name = "alice"
connect = "server"
say = ["hello", "world!"]
every = "20ms"
times = 3
[[client]]
name = "crowd"
connect = "server"
arrive = "20ms"
count = 10
times = 1
"""


@pytest.mark.parametrize("program", SERVERS)
def test_clients_of_a_scenario(program: str, tmp_path: Path) -> None:
    """They connect, are answered and leave; the run ends; their figures are in the result."""
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS.format(program=program))
    done = ossandbox("run", str(path), "--json")
    assert done.returncode == 0, done.stderr
    alice, crowd = json.loads(done.stdout)["clients"]
    assert (alice["name"], alice["sent"], alice["received"], alice["errors"]) == ("alice", 3, 3, 0)
    assert (alice["bytes_sent"], alice["bytes_received"]) == (16, 16)
    assert (crowd["clients"], crowd["sent"], crowd["received"], crowd["errors"]) == (10, 10, 10, 0)
    assert 0 < crowd["latency_ns"]["p50"] <= crowd["latency_ns"]["p95"] <= crowd["latency_ns"]["max"]


def test_clients_in_the_table_and_connections_in_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS.format(program="forking-server"))
    said = ossandbox("run", str(path)).stdout
    assert "server listens at 127.0.0.1:" in said
    assert "5 bytes have come, 5 have gone" in said
    assert any(line.split()[:5] == ["alice", "1", "3", "3", "0"] for line in said.splitlines())


def test_clients_whose_server_cannot_listen(tmp_path: Path) -> None:
    """They are told, and the run ends."""
    with ExitStack() as stack:
        _, address = stack.enter_context(serving(server()))
        path = tmp_path / "taken.toml"
        text = CLIENTS.format(program="forking-server").replace('"127.0.0.1:0"', f'"{address}"')
        path.write_text(text)
        done = ossandbox("run", str(path), "--json")
        [alice, crowd] = json.loads(done.stdout)["clients"]
        assert (alice["sent"], alice["errors"], crowd["errors"]) == (0, 1, 10)
        assert f"cannot listen at {address}" in done.stderr


def test_clients_are_left_alone_when_the_run_is_ended(tmp_path: Path) -> None:
    """One that would talk for ever is no error."""
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS.format(program="forking-server").replace("times = 3\n", ""))
    done = ossandbox("run", str(path), "--json", "--for", "500ms")
    alice = json.loads(done.stdout)["clients"][0]
    assert done.returncode == 0
    assert alice["received"] >= 3


def test_the_virtual_machine_has_no_network(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS.format(program="forking-server"))
    done = ossandbox("simulate", str(path))
    assert done.returncode == 2
    assert "client alice: it talks over real sockets; the virtual machine has no network" in done.stderr
    assert "process server" in done.stderr
