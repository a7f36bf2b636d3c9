"""A server that never blocks: it polls all of its sockets in a loop.

Advantage: one process has many clients, none of which delays the others. Disadvantage: it never waits, so it uses up
each of its time slices, even if there is nothing to do.
"""

from __future__ import annotations

import socket
import time
from typing import NoReturn

from sandbox.programs.conversation import CHUNK, Conduct, Transcript, accept, answer, part, refuse, run_alone

#: How often it prints the statistics of polling.
_REPORT_S = 1.0
#: The client is not read while more bytes than this wait to be sent to it.
_MAX_UNSENT = 65_536


class Client:
    """A client, the data that it has not accepted yet, and when it has last sent something."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.heard_s = time.monotonic()
        self._transcript = Transcript(connection)
        self._unsent = bytearray()
        self._over = False

    def attend(self) -> bool | None:
        """Read and answer. Returns whether there was something to do; None: the conversation is over."""
        try:
            heard = self._hear()
            if heard is not None:
                self.heard_s = time.monotonic()
                said = answer(heard)
                self._unsent += said
                self._over = not heard
                self._transcript.tell(heard, said)
            self._say()
        except OSError:
            return None
        if self._over and not self._unsent:
            part(self.connection)
            return None
        return heard is not None

    def _hear(self) -> bytes | None:
        """Return what was received; None: nothing."""
        if self._over or len(self._unsent) > _MAX_UNSENT:
            return None
        try:
            return self.connection.recv(CHUNK)
        except BlockingIOError:
            return None

    def _say(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self.connection.send(self._unsent)]
        except BlockingIOError:
            pass


class Server:
    """All clients in one process."""

    def __init__(self, listener: socket.socket, conduct: Conduct) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._conduct = conduct
        self._clients: list[Client] = []
        #: Whether there are descriptors for another client; tried again when one has gone.
        self._room = True
        self._asked = self._useful = 0
        self._burnt_s = 0.0

    def serve(self) -> NoReturn:
        """Poll the listener and all clients in a loop."""
        report_s = time.monotonic() + _REPORT_S
        while True:
            self._welcome()
            for client in [*self._clients]:
                self._attend(client)
            now_s = time.monotonic()
            if now_s >= report_s:
                report_s = now_s + _REPORT_S
                self._report()

    def _welcome(self) -> None:
        if not self._room:
            return
        self._asked += 1
        try:
            connection = accept(self._listener)
        except BlockingIOError:
            return
        if connection is None:
            self._room = False
            return
        self._useful += 1
        if len(self._clients) >= self._conduct.clients:
            refuse(connection)
            return
        try:
            self._clients.append(Client(connection))
        except OSError:
            connection.close()  # the client is gone already

    def _attend(self, client: Client) -> None:
        self._asked += 1
        done = client.attend()
        if done is None or time.monotonic() - client.heard_s > self._conduct.idle_s:
            client.connection.close()
            self._clients.remove(client)
            self._room = True
        elif done:
            self._useful += 1

    def _report(self) -> None:
        burnt_s = time.process_time()
        wasted = 1 - self._useful / self._asked if self._asked else 0
        print(
            f"{burnt_s - self._burnt_s:.2f} s of CPU time: asked {self._asked} times, {wasted:.2%} of them for nothing",
            flush=True,
        )
        self._burnt_s, self._asked, self._useful = burnt_s, 0, 0


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept and answer clients by polling."""
    Server(listener, conduct).serve()


if __name__ == "__main__":
    run_alone(serve)
