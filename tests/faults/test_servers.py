"""Servers and whoever connects to them, kindly or not: nobody disturbs the others, and the port is free afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from sandbox.clients.client import Clients
from sandbox.model.commands import Pause, Quit, Resume
from sandbox.model.events import Backlog, Connected, Exited, Fault, Listening
from sandbox.model.spec import SERVERS
from sandbox.util.addresses import Address, parse_address, resolve
from sandbox.util.units import MS
from tests.support.procs import state
from tests.support.real import Watch, kernel_process, watch
from tests.support.run import ROOT, ossandbox, until
from tests.support.scenarios import process, scenario
from tests.support.servers import PATIENCE_S, ask, client, hear, server, serving

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


def fill(connection: socket.socket) -> None:
    """Say as much as the other side takes, and hear nothing."""
    connection.setblocking(False)
    try:
        while connection.send(b"x" * 65_536):
            pass
    except BlockingIOError:
        pass


def free(address: Address) -> bool:
    """Whether anybody may listen there, however simple-minded: without SO_REUSEADDR."""
    with socket.socket() as probe:
        try:
            probe.bind(address)
        except OSError:
            return False
        return True


def test_f32_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        world = scenario(server(listen=f"127.0.0.1:{port}"), process("work", "cpu 10ms"))
        with watch(world, stay=False) as run:
            run.finish()
        [fault] = run.faults("port is taken by")
        assert f"pid {os.getpid()}" in str(fault.what.figures["by"])
        other = parse_address(str(fault.what.figures["hint"]))
        assert other.port != port
        assert free(other)
        assert [event.code for event in run.all(Exited, "work")] == [0], "the rest runs"


@pytest.mark.parametrize("program", SERVERS)
def test_f33_the_port_is_free_after_any_death(program: str) -> None:
    with serving(server(program)) as (run, address), client(address) as connection:
        assert ask(run, connection, b"hello") == b"HELLO"
        os.kill(run.os_pid("server"), signal.SIGKILL)
        until(lambda: free(address), "the port is free", 1)
        assert hear(run, connection, 1) in (b"", b"!"), "the client is told"


def test_f33_the_port_is_free_after_the_death_of_the_kernel_process() -> None:
    with kernel_process(scenario(server()), stay=True, attended=True) as link:
        run = Watch(link)
        address = parse_address(run.until(lambda: run.all(Listening), "it listens")[0].at)
        with client(address) as connection:
            assert ask(run, connection, b"hello") == b"HELLO"
            os.kill(link.os_pid, signal.SIGKILL)
            until(lambda: free(address), "the port is free", 1)


@pytest.mark.parametrize("program", SERVERS)
def test_f34_bytes_are_split_anywhere(program: str) -> None:
    """Whatever the bytes are and however they come, the same number comes back in order, letters in capitals."""
    words = "grüße, 世界 🙂".encode()
    noise = random.Random(34).randbytes(200_000)
    with serving(server(program)) as (run, address), client(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in words:
            assert ask(run, connection, bytes([byte])) == bytes([byte]).upper()
        for start in range(0, len(noise), 20_000):
            part = noise[start : start + 20_000]
            assert ask(run, connection, part) == part.upper()
        connection.shutdown(socket.SHUT_WR)
        assert hear(run, connection, 1) == b"", "after the last word comes the end"


@pytest.mark.parametrize("program", SERVERS)
def test_f35_a_client_never_reads(program: str) -> None:
    """Others are not kept waiting; where one process serves all in turn, not longer than it has patience."""
    with serving(server(program, idle_ns=300 * MS)) as (run, address), client(address) as deaf:
        fill(deaf)
        with client(address) as other:
            assert ask(run, other, b"hello") == b"HELLO"


def test_f35_the_handler_of_a_client_that_never_reads_ends() -> None:
    """It is never kept waiting for something to hear: that it cannot say anything ends it."""
    with serving(server(idle_ns=200 * MS)) as (run, address), client(address) as deaf:

        def ended() -> list[Exited]:
            with suppress(ConnectionError):
                fill(deaf)
            return [event for event in run.all(Exited) if event.pid != 1]

        assert run.until(ended, "the handler has ended")[0].code == 0


@pytest.mark.parametrize("program", SERVERS)
def test_f36_a_client_falls_silent(program: str) -> None:
    """Who drips is served; who says nothing any more is left."""
    with serving(server(program, idle_ns=800 * MS)) as (run, address), client(address) as connection:
        for _ in range(6):  # longer than that in all, on however busy a machine each less
            assert ask(run, connection, b"x") == b"X"
            run.go_on(0.15)
        assert hear(run, connection, 1) in (b"", b"!")


@pytest.mark.parametrize("program", SERVERS)
def test_f37_clients_that_break_off(program: str) -> None:
    with serving(server(program)) as (run, address):
        for said in (b"", b"hello", b"x" * 100_000):
            with client(address) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.setblocking(False)
                try:
                    connection.send(said)
                except BlockingIOError:
                    pass
        with client(address) as polite:
            assert ask(run, polite, b"hello") == b"HELLO"
        run.go_on(0.2)
        assert "Traceback" not in run.wrote("server")
        assert [event for event in run.all(Exited) if event.code != 0 or event.pid == 1] == []


def burst(run: Watch, address: Address, number: int) -> list[tuple[str, str]]:
    """So many clients at once; what each has heard and its error."""

    async def all_at_once() -> list[tuple[str, str]]:
        clients = Clients()
        loop = asyncio.get_running_loop()
        crowd = clients.burst(number, address)
        give_up = loop.time() + 2 * PATIENCE_S
        while clients.open and loop.time() < give_up:
            run.step()
            await asyncio.sleep(0)
            for _ in range(20):
                await asyncio.sleep(0.001)
        await clients.end()
        return [(one.heard, one.error.rule if one.error is not None else "") for one in crowd]

    return asyncio.run(all_at_once())


def test_f38_a_thousand_clients() -> None:
    with serving(server()) as (run, address):
        assert set(burst(run, address, 1_000)) == {("HELLO", "")}
        assert run.faults("one child too many was ended") == []


@pytest.mark.parametrize("program", ["forking-server", "nonblocking-server"])
def test_f38_at_the_cap_clients_are_refused(program: str) -> None:
    with serving(server(program, clients=3)) as (run, address):
        held = [socket.create_connection(address, timeout=PATIENCE_S) for _ in range(3)]
        try:
            assert [ask(run, connection, b"hello") for connection in held] == [b"HELLO"] * 3
            assert {heard for heard, _ in burst(run, address, 20)} == {""}
            held.pop().close()
            run.go_on(0.1)
            assert burst(run, address, 1) == [("HELLO", "")]
        finally:
            for connection in held:
                connection.close()


def limit_descriptors(popen: subprocess.Popen[str], number: int) -> None:
    _, hard = resource.prlimit(popen.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(popen.pid, resource.RLIMIT_NOFILE, (number, hard))


@contextmanager
def alone(program: str, descriptors: int) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """A server outside the sandbox, which may have so many descriptors."""
    popen = subprocess.Popen(
        [sys.executable, "-m", f"sandbox.programs.{program}", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with popen:
        assert popen.stdout is not None
        try:
            address = parse_address(popen.stdout.readline().removeprefix("listening at "))
            if program != "nonblocking_server":  # which never waits
                until(lambda: state(popen.pid) == "S", "it waits for clients")
            limit_descriptors(popen, descriptors)
            yield popen, address
        finally:
            popen.kill()


@pytest.mark.parametrize("program", ["forking_server", "iterative_server"])
def test_f39_no_descriptor_is_left_to_accept_with(program: str) -> None:
    with alone(program, descriptors=4) as (popen, address):
        with client(address) as first:  # it was waited for already when there were descriptors
            first.sendall(b"hello")
            assert first.recv(5) == b"HELLO"
        with client(address) as connection:
            connection.sendall(b"hello")
            states = []
            for _ in range(25):
                time.sleep(0.02)
                states.append(state(popen.pid))
            assert states.count("S") > 15, "it does not spin"
            limit_descriptors(popen, 64)
            assert connection.recv(5) == b"HELLO", "it goes on once there are some"


def test_f39_who_finds_no_descriptor_waits_until_another_client_has_left() -> None:
    with alone("nonblocking_server", descriptors=12) as (_, address):
        first = [socket.create_connection(address, timeout=PATIENCE_S) for _ in range(8)]
        try:
            for connection in first:
                connection.sendall(b"hello")
                assert connection.recv(5) == b"HELLO"
            with client(address) as late:
                late.sendall(b"hello")
                late.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    late.recv(5)
                first.pop().close()
                late.settimeout(PATIENCE_S)
                assert late.recv(5) == b"HELLO"
        finally:
            for connection in first:
                connection.close()


def test_f40_the_listener_is_stopped() -> None:
    """Who connects meanwhile waits in the kernel, and that is shown."""
    with serving(server()) as (run, address):
        run.link.send(Pause())
        run.go_on(0.1)
        waiting = [socket.create_connection(address, timeout=PATIENCE_S) for _ in range(3)]
        try:
            for connection in waiting:
                connection.sendall(b"hello")
            run.until(lambda: [event.waiting for event in run.all(Backlog)][-1:] == [3], "three wait in the backlog")
            run.until(lambda: len(run.all(Connected)) == 3, "each of them is shown")
            assert {event.pid for event in run.all(Connected)} == {None}, "nobody has accepted them"
            run.link.send(Resume())
            assert [hear(run, connection, 5) for connection in waiting] == [b"HELLO"] * 3
            run.until(lambda: run.all(Backlog)[-1].waiting == 0, "nobody waits any more")
        finally:
            for connection in waiting:
                connection.close()


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "name"])
def test_f41_other_machines_are_kept_out(listen: str, tmp_path: Any) -> None:
    if listen == "name":
        listen = f"{socket.gethostname()}:0"
        try:
            _, address = resolve(parse_address(listen))
        except OSError:
            pytest.skip("this machine's name leads nowhere")
        if address.is_loopback:
            pytest.skip("this machine's name is for itself alone")
    path = tmp_path / "open.toml"
    path.write_text(f'[[process]]\nname = "server"\nprogram = "forking-server"\nlisten = "{listen}"\n')
    done = ossandbox("run", str(path), "--for", "100ms")
    assert (done.returncode, done.stdout) == (2, "")
    assert "other machines can reach" in done.stderr
    assert "--expose" in done.stderr
    assert ossandbox("run", str(path), "--for", "100ms", "--expose").returncode == 0


def test_f41_the_kernel_process_looks_for_itself() -> None:
    """A scenario that is opened in the app passes no command line."""
    with watch(scenario(server(listen="0.0.0.0:0")), stay=False) as run:
        run.finish()
    assert [event.what.rule for event in run.all(Fault)] == ["is exposed"]
    assert run.all(Listening) == []


def test_quit_with_clients_connected() -> None:
    """The port is free at once, and the clients are told."""
    with serving(server()) as (run, address), client(address) as connection:
        assert ask(run, connection, b"hello") == b"HELLO"
        run.link.send(Quit())
        run.finish()
        until(lambda: free(address), "the port is free", 1)
        assert hear(run, connection, 1) in (b"", b"!")
