"""What a kernel process says of servers and their connections."""

from __future__ import annotations

from typing import Self

from sandbox.model.events import Accepted, AnyEvent, Backlog, Connected, Listening, Transferred
from tests.support.kernel_script import KernelScript

#: Where the server of a script listens, and who connects to it.
AT = "127.0.0.1:9001"
PEERS = [f"127.0.0.1:{port}" for port in (51001, 51002, 51003, 51004)]


class NetworkScript(KernelScript):
    """A kernel script with sockets in it."""

    def happen(self, event: AnyEvent) -> Self:
        self.events.append(event)
        return self

    def listen(self, name: str) -> Self:
        return self.happen(Listening(self.at, 1, self.pid(name), AT, 1024))

    def connect(self, number: int, peer: str, waiting: int) -> Self:
        return self.happen(Connected(self.at, number, AT, peer, 1, None)).happen(Backlog(self.at, 1, waiting))

    def accept(self, number: int, name: str, waiting: int = 0) -> Self:
        return self.happen(Accepted(self.at, number, self.pid(name))).happen(Backlog(self.at, 1, waiting))

    def pass_on(self, number: int, received: int, sent: int, unread: int = 0) -> Self:
        return self.happen(Transferred(self.at, number, received, sent, unread))
