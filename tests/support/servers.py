"""Servers under test, and talking to them."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.model.events import Listening
from sandbox.model.spec import ProcessSpec
from sandbox.util.addresses import Address, parse_address
from tests.support.real import Watch, watch
from tests.support.scenarios import scenario

PATIENCE_S = 20


def server(program: str = "forking-server", listen: str = "127.0.0.1:0", **more: Any) -> ProcessSpec:
    """A process that is one of our servers."""
    return ProcessSpec("server", program=program, listen=listen, **more)


@contextmanager
def serving(*processes: ProcessSpec, **boot: Any) -> Iterator[tuple[Watch, Address]]:
    """A scenario whose first process is a server, and where that listens."""
    with watch(scenario(*processes), **boot) as run:
        listening = run.until(lambda: run.all(Listening), "somebody listens")[0]
        yield run, parse_address(listening.at)


@contextmanager
def client(address: Address) -> Iterator[socket.socket]:
    """Somebody from outside, connected."""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        yield connection


async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server in this process: what it hears, in capitals."""
    while data := await reader.read(4_096):
        writer.write(data.upper())
    writer.close()


def ask(run: Watch, connection: socket.socket, data: bytes) -> bytes:
    """Say something and hear as much, while the run goes on."""
    connection.sendall(data)
    return hear(run, connection, len(data))


def hear(run: Watch, connection: socket.socket, number: int) -> bytes:
    """So many bytes, or all that there are before the end; b"!" where the connection is broken off."""
    heard = b""
    give_up = time.monotonic() + PATIENCE_S
    while len(heard) < number:
        assert time.monotonic() < give_up, f"only {heard!r} came"
        run.step()
        if select.select([connection], [], [], 0)[0]:
            try:
                data = connection.recv(1 << 16)
            except ConnectionError:
                return b"!"
            if not data:
                break
            heard += data
    return heard
