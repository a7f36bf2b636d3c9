"""A server that forks: it blocks in ``accept``, and each client gets a process of its own.

Advantages: clients cannot delay each other, and each handler may block. Disadvantages: a process costs nearly a
megabyte and a millisecond; with thousands of clients, most of the work is switching between them.
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
#: The kernel's name of a process has 15 characters, of which a port takes up to five.
_MAX_NAME = 9


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept clients, and fork a handler for each."""
    Server(listener, conduct).serve()


class Server:
    """The listening process. Its children are the handlers, which die with it."""

    def __init__(self, listener: socket.socket, conduct: Conduct) -> None:
        self._listener = listener
        self._conduct = conduct
        self._os_pid = os.getpid()
        #: The number of handlers that were forked, and of those that have ended, which a signal handler counts.
        self._born = self._ended = 0

    def serve(self) -> NoReturn:
        """Accept clients, and fork a handler for each. Clients are refused while there are too many handlers."""
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        libc.tell_of_stops(False)  # so that the end of a handler's time slice does not wake its parent
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
            return  # no more processes: closing refuses the client
        if os_pid == 0:
            try:
                self._handle(connection)
            finally:
                os._exit(0)
        self._born += 1

    def _handle(self, connection: socket.socket) -> None:
        """Serve one client, in the child."""
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
        """Block until a handler ends, before which no connection can be accepted; polling would burn CPU."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # else it could be reaped before we wait for it
        try:
            os.waitpid(-1, 0)
            self._ended += 1
        except ChildProcessError:
            time.sleep(_PAUSE_S)  # other processes have all descriptors
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    run_alone(serve)
