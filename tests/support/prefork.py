"""A pre-forked server, somebody who holds many connections to it, and what is told of them beside what is true."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.machines.linux.net.sock_diag import TcpState, sockets
from sandbox.machines.linux.procfs_files import socket_inodes
from sandbox.model.commands import Spawn, Type
from sandbox.model.events import Admitted, Wrote
from sandbox.model.spec import ProcessSpec
from sandbox.views.board import Board
from tests.support.real import Watch, watch
from tests.support.scenarios import scenario

#: So many workers; they share the listener, or each has one of its own at the same port.
_PREFORK = """
import os, resource, selectors, signal, socket, sys
workers, own = int(sys.argv[1]), sys.argv[2] == "own"
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
listener = socket.create_server(("127.0.0.1", 0), backlog=4096, reuse_port=own)
print("at", listener.getsockname()[1], flush=True)
for _ in range(workers):
    if os.fork() == 0:
        if own:
            address = listener.getsockname()
            listener.close()
            listener = socket.create_server(address, backlog=4096, reuse_port=True)
        listener.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    try:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                    except BlockingIOError:
                        pass
                elif data := key.fileobj.recv(4096):
                    key.fileobj.sendall(data)
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
if own:
    listener.close()
while True:
    signal.pause()
"""
#: Opens so many connections, says a word on each and hears it, keeps them, and closes them all at a word.
_HOLDER = """
import resource, socket, sys, time
port, number = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
for each in held:
    each.sendall(b"hello")
for each in held:
    each.recv(99)
print("open", flush=True)
input()
for each in held:
    each.close()
print("closed", flush=True)
time.sleep(60)
"""
_PYTHON = [sys.executable, "-I", "-S", "-c"]


class Prefork:
    """A server of so many processes in a run."""

    def __init__(self, run: Watch, workers: int) -> None:
        self.run = run
        self.board = Board()
        self._folded = 0
        run.until(lambda: len(run.all(Admitted)) > workers and self._says("at "), "all workers are there")

    def hold(self, connections: int) -> None:
        """Have so many opened by a process that stays."""
        port = self._says("at ").split()[1]
        self.run.link.send(Spawn([*_PYTHON, _HOLDER, port, str(connections)]))
        self.run.until(lambda: self._says("open"), "all are open", 120)

    def let_go(self) -> None:
        """Have them all closed."""
        holder = next(event.pid for event in self.run.all(Admitted) if event.parent is None and event.pid > 1)
        self.run.link.send(Type(str(holder), ""))
        self.run.until(lambda: self._says("closed"), "all are closed", 60)

    def _says(self, word: str) -> str:
        return next((event.text for event in self.run.all(Wrote) if word in event.text), "")

    def fold(self) -> Board:
        """Everything up to now."""
        events, self._folded = self.run.events[self._folded :], len(self.run.events)
        for event in events:
            self.board.apply(event)
        return self.board

    def ends(self) -> int:
        """How many ends are told to be somebody's."""
        return sum(each.pid is not None for each in self.fold().network.connections.values())

    def wrong(self) -> int:
        """How many are told to be somebody's who has not got them, as the system says."""
        holders: dict[int, set[int]] = {}
        for admitted in self.run.all(Admitted):
            for inode in socket_inodes(admitted.os_pid or 0):
                holders.setdefault(inode, set()).add(admitted.pid)
        truth = {(str(tcp.own), str(tcp.peer)): holders.get(tcp.inode, set()) for tcp in sockets()}
        told = self.fold().network.connections.values()
        return sum(each.pid not in truth.get((each.own, each.peer), set()) for each in told)

    def strayed(self) -> int:
        """How many are told to have come through a listener that their process has not got."""
        inodes = {each.pid: socket_inodes(each.os_pid or 0) for each in self.run.all(Admitted)}
        listening = {tcp.inode for tcp in sockets() if tcp.state is TcpState.LISTEN}
        network = self.fold().network
        through = [each for each in network.connections.values() if each.listener is not None]
        owners = {each.number: network.listeners[each.listener or 0].pid for each in through}
        return sum(not inodes[each.pid or 0] & inodes[owners[each.number]] & listening for each in through if each.pid)


@contextmanager
def prefork(workers: int, own: bool = False) -> Iterator[Prefork]:
    """The server in a run of its own; ``own``: each worker has a listener to itself."""
    server = ProcessSpec("server", command=[*_PYTHON, _PREFORK, str(workers), "own" if own else "shared"])
    with watch(scenario(server)) as run:
        yield Prefork(run, workers)
