"""A server that forks: it waits in ``accept``, and each client gets a process of its own.

Good: clients cannot hold each other up, and each handler may block as it likes. Bad: a process costs the better part
of a megabyte and of a millisecond; with thousands of clients most of the machine's work is to be many.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import os
import signal
import socket
import time
from typing import NoReturn

from sandbox.programs.conversation import Conduct, accept, converse, refuse, run_alone
from sandbox.util import libc
from sandbox.util.addresses import of_socket

_PAUSE_S = 0.1
#: A process's short name has 15 characters, and a port up to five of them.
_MAX_NAME = 9


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept and fork, for ever."""
    Server(listener, conduct).serve()


class Server:
    """The process that listens. Its children are the handlers, and die with it."""

    def __init__(self, listener: socket.socket, conduct: Conduct) -> None:
        self._listener = listener
        self._conduct = conduct
        self._os_pid = os.getpid()
        #: Handlers born, and those of them that have ended; the second is counted in a signal handler.
        self._born = self._ended = 0

    def serve(self) -> NoReturn:
        """Accept and fork, for ever. Whoever finds all handlers taken is refused."""
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        libc.tell_of_stops(False)  # that a handler's time slice is over does not wake its parent
        while True:
            connection = accept(self._listener)
            if connection is None:
                self._wait_for_an_end()
            elif self._born - self._ended >= self._conduct.clients:
                refuse(connection)
            else:
                with connection:
                    self._fork(connection)

    def _fork(self, connection: socket.socket) -> None:
        try:
            os_pid = os.fork()
        except OSError:
            return  # no process can be had: closing refuses the client
        if os_pid == 0:
            try:
                self._handle(connection)
            finally:
                os._exit(0)
        self._born += 1

    def _handle(self, connection: socket.socket) -> None:
        """In the child: this client's, and nobody else's."""
        self._listener.close()
        if libc.end_with_parent(self._os_pid):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            libc.set_name(f"{self._conduct.name[:_MAX_NAME]}:{of_socket(connection.getpeername()).port}")
            converse(connection, self._conduct)

    # Ends of handlers

    def _reap(self) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                self._ended += 1
        except ChildProcessError:
            pass

    def _wait_for_an_end(self) -> None:
        """To ask again and again would only burn CPU: until a handler has ended nobody is accepted."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # else it could be reaped before we wait for it
        try:
            os.waitpid(-1, 0)
            self._ended += 1
        except ChildProcessError:
            time.sleep(_PAUSE_S)  # somebody else has them all
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    run_alone(serve)
