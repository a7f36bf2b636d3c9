"""Clients outside the schedule, against servers of all manners: what they count as an answer, and what as an error."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from sandbox import wording
from sandbox.clients.client import Client, Clients
from sandbox.clients.script import ClientScript
from sandbox.model.events import Admitted, Clause, Exited, Fault, Halted, Listening
from sandbox.model.spec import ClientSpec
from sandbox.util.addresses import Address
from tests.support.servers import upper

Manner = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def terse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4_096):
        writer.write(b"ok")
    writer.close()


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4_096)
    writer.close()


async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4_096)
    writer.write(b"\x1b]0;owned\x07\x1b[2J[bold]\xff\xe4")
    writer.close()


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4_096)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@asynccontextmanager
async def serving(manner: Manner) -> AsyncIterator[tuple[Clients, Address]]:
    """A server, and clients that are all gone afterwards."""
    server = await asyncio.start_server(manner, "127.0.0.1", 0)
    clients = Clients()
    try:
        yield clients, Address(*server.sockets[0].getsockname())
    finally:
        await clients.end()
        server.close()


async def until(what: Callable[[], object]) -> None:
    for _ in range(1_000):
        if what():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it does not come")


async def test_answers_are_told_apart_though_they_come_together() -> None:
    async with serving(upper) as (clients, address):
        client = clients.connect(address)
        await client.ask("hello")
        first, second = client.say("one"), client.say("größer")
        assert client.waits_since_ns is not None
        assert first is not None
        assert second is not None
        await asyncio.gather(first.answered, second.answered)
        assert (client.sent, client.received, client.bytes_sent, client.bytes_received) == (3, 3, 16, 16)
        assert (client.said, client.heard[-6:]) == ("größer", "GRößER")
        assert client.waits_since_ns is None
        assert client.round_trip_ns is not None
        client.close()
        await until(lambda: client.state == "closed")
        assert (client.error, client.unanswered) == (None, False)


async def test_an_answer_may_be_shorter_than_what_was_said() -> None:
    async with serving(terse) as (clients, address):
        client = clients.connect(address)
        await client.ask("hello")
        assert (client.received, client.heard) == (1, "ok")


@pytest.mark.parametrize(("manner", "rule"), [(mute, "closed without an answer"), (breaks_off, "reset")])
async def test_no_answer_is_an_error(manner: Manner, rule: str) -> None:
    async with serving(manner) as (clients, address):
        client = clients.connect(address)
        with pytest.raises(ConnectionError):
            await client.ask("hello")
        assert client.error == Clause(rule)
        assert client.unanswered
        assert wording.client(client.error).startswith("the server ")


async def test_nobody_listens() -> None:
    async with serving(upper) as (_, address):
        pass
    clients = Clients()
    client = clients.connect(address)
    await until(lambda: client.state == "closed")
    assert client.error == Clause("nobody listens", {"at": str(address)})
    await clients.end()


async def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    async with serving(hostile) as (clients, address):
        client = clients.connect(address)
        await client.ask("x" * 12)
        assert client.heard.startswith("[bold]")
        assert client.heard.isprintable()


async def test_a_burst_is_answered_and_leaves() -> None:
    async with serving(upper) as (clients, address):
        crowd = clients.burst(50, address, "hi")
        await until(lambda: not clients.open)
        assert {(one.heard, one.received, one.error) for one in crowd} == {("HI", 1, None)}
        clients.forget()
        assert clients.all == []


async def test_one_that_ticks_until_it_is_hushed() -> None:
    async with serving(upper) as (clients, address):
        client = clients.connect(address)
        clients.tick(client, "tick", 1_000_000)
        await until(lambda: client.received >= 3)
        assert clients.ticks(client)
        clients.hush(client)
        assert not clients.ticks(client)
        await asyncio.sleep(0.02)
        said = client.sent
        await asyncio.sleep(0.02)
        assert (client.sent, client.state) == (said, "connected")


# The clients of a scenario


def told(client: Client) -> tuple[str, int, int]:
    return client.name, client.sent, client.received


async def test_a_scenario_s_clients_begin_when_their_server_listens() -> None:
    async with serving(upper) as (clients, address):
        specs = [ClientSpec("a", "server", times=2, every_ns=0), ClientSpec("b", "web", count=3, times=1)]
        clientele = ClientScript(specs, clients)
        clientele.take([Admitted(0, 1, "web", "sh"), Admitted(0, 2, "python3", "python3 web.py", parent=1)])
        await asyncio.sleep(0.02)
        assert clients.all == []
        clientele.take([Listening(1, 1, 2, str(address), 100)])
        await until(lambda: clientele.groups[1].done)
        assert [told(client) for client in clients.all] == [("b-1", 1, 1), ("b-2", 1, 1), ("b-3", 1, 1)]
        assert not clientele.done
        clientele.take([Fault(2, Clause("port is taken", {"name": "server", "at": "x", "hint": "y"}))])
        assert clientele.done
        a, b = clientele.figures()
        assert (a["sent"], a["errors"], a["reasons"]) == (0, 1, {"nobody listens": 1})
        assert (b["sent"], b["received"], b["errors"], b["bytes_received"]) == (3, 3, 0, 15)
        await clientele.end()


@pytest.mark.parametrize("end", [Exited(5, 1, 0, None, 0, 0, 0), Halted(5, Clause("done"))])
async def test_clients_whose_server_has_never_listened(end: Exited | Halted) -> None:
    clientele = ClientScript([ClientSpec("a", "server", count=2)], Clients())
    clientele.take([Admitted(0, 1, "server", "true"), end])
    assert clientele.done
    assert clientele.figures()[0]["reasons"] == {"nobody listens": 2}
    await clientele.end()
