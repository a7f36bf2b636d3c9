"""Clients served: the forking server scheduled in the sandbox, alone outside it, and socketserver.ForkingTCPServer.

What bounds it: a client costs some switches of the sandbox, and the kernel process's time, in which it starts, finds and
ends a process and its connection. Its time in the system alone is the bound for a kernel process that does only that.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import psutil

from sandbox.clients.client import Clients
from sandbox.link.client import use_all_cpus
from sandbox.machines.linux.cpus import assign_cpus
from sandbox.model.events import Dispatched, Event, Listening
from sandbox.model.spec import ProcessSpec
from sandbox.util.addresses import Address, parse_address
from tests.benchmarks.figures import Beside, Figure, figure
from tests.support.real import kernel_process
from tests.support.scenarios import scenario

ROUNDS = 5
CONNECTIONS, ECHOES = 300, 1_000

#: As the manual of ``socketserver`` has it, but for the number of children: after 40 it answers nobody any more.
FORKING_TCP_SERVER = """
import os, socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data.upper())
class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 1024
    max_children = 2000
os.sched_setaffinity(0, {int(sys.argv[1])})
server = Server(("127.0.0.1", 0), Handler)
print("listening at %s:%d" % server.server_address, flush=True)
server.serve_forever()
"""
#: The same server as in the sandbox, on the CPU that it would have there.
OURS_ALONE = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv.pop(1))})
from sandbox.programs.conversation import run_alone
from sandbox.programs.forking_server import serve
run_alone(serve)
"""


@contextmanager
def scheduled(seen: list[Event] | None = None) -> Iterator[tuple[Address, int]]:
    """The server as the only process of a scenario, and the os_pid of the kernel process; its events are read, as the
    app would (and added to ``seen``)."""
    world = scenario(ProcessSpec("server", program="forking-server", listen="127.0.0.1:0"))
    with kernel_process(world, stay=True, attended=True) as link:
        for event in link.events():
            if isinstance(event, Listening):
                address = parse_address(event.at)
                break
        loop = asyncio.get_running_loop()

        def read() -> None:
            link.beat()
            events = link.receive()
            if seen is not None:
                seen.extend(events)

        loop.add_reader(link, read)
        try:
            yield address, link.os_pid
        finally:
            loop.remove_reader(link)


@contextmanager
def sandboxed() -> Iterator[Address]:
    with scheduled() as (address, _):
        yield address


@contextmanager
def outside(source: str, *words: str) -> Iterator[Address]:
    """A server that Linux schedules, on the CPU that is the sandbox's."""
    use_all_cpus()
    command = [sys.executable, "-c", source, str(assign_cpus(1).mini[0]), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield parse_address(server.stdout.readline().removeprefix("listening at "))
        finally:
            server.kill()


SERVERS: dict[str, Callable[[], AbstractContextManager[Address]]] = {
    "in the sandbox": sandboxed,
    "the same outside": lambda: outside(OURS_ALONE, "127.0.0.1:0"),
    "ForkingTCPServer": lambda: outside(FORKING_TCP_SERVER),
}


async def connections_each_second(address: Address) -> float:
    """Clients at once, each of which connects, is answered and leaves."""
    clients = Clients()
    loop = asyncio.get_running_loop()
    began = loop.time()
    crowd = clients.burst(CONNECTIONS, address)
    while clients.open:
        await asyncio.sleep(0.001)
    took = loop.time() - began
    assert all(client.heard == "HELLO" for client in crowd)
    return CONNECTIONS / took


async def echo_us(address: Address) -> float:
    """The median round trip of one client that asks again and again, in µs."""
    clients = Clients()
    client = clients.connect(address)
    for _ in range(ECHOES):
        await client.ask("hello")
    await clients.end()
    return statistics.median(client.round_trips_ns) / 1_000


async def visit(serve: Callable[[], AbstractContextManager[Address]]) -> tuple[float, float]:
    """Clients a second, and the round trip of one in µs."""
    with serve() as address:
        return await connections_each_second(address), await echo_us(address)


class Cost(NamedTuple):
    """What a client that connects, is answered and leaves costs: dispatches, and the kernel process's CPU time in µs."""

    dispatches: float
    user: float
    system: float


async def cost_of_each() -> Cost:
    seen: list[Event] = []
    with scheduled(seen) as (address, os_pid):
        kernel = psutil.Process(os_pid)
        before = kernel.cpu_times()
        await connections_each_second(address)
        after = kernel.cpu_times()
    dispatches = sum(isinstance(event, Dispatched) for event in seen)
    used = (dispatches, (after.user - before.user) * 1e6, (after.system - before.system) * 1e6)
    return Cost(*(each / CONNECTIONS for each in used))


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    visits = [{name: asyncio.run(visit(serve)) for name, serve in SERVERS.items()} for _ in range(rounds)]

    def values(server: str, which: int) -> list[float]:
        return [visit[server][which] for visit in visits]

    def others(which: int) -> tuple[Beside, Beside]:
        same, forking = "the same outside", "ForkingTCPServer"
        return Beside(same, values(same, which), foreign=False), Beside(forking, values(forking, which))

    yield figure("clients served", values("in the sandbox", 0), "/s", "more", *others(0))
    yield figure("round trip", values("in the sandbox", 1), "µs", "less", *others(1))
    dispatches, user, system = zip(*(asyncio.run(cost_of_each()) for _ in range(rounds)), strict=True)
    yield figure("dispatches for a client", dispatches, "", "less")
    yield figure(
        "kernel's CPU for a client",
        [sum(both) for both in zip(user, system, strict=True)],
        "µs",
        "less",
        Beside("of it in the system", system, foreign=False),
    )
