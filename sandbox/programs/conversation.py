"""What the servers have in common: they answer a client with the same text in capitals, until it closes."""

from __future__ import annotations

import codecs
import errno
import socket
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from sandbox.util.addresses import DEFAULT, of_socket, parse_address, resolve

#: The number of connections that may wait to be accepted, if the system permits it.
BACKLOG = 1_024
#: The most bytes of one read.
CHUNK = 4_096
_MAX_SHOWN = 60
#: Errors of accept that mean that there is no descriptor or memory for the connection.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Conduct(NamedTuple):
    """The settings of a server. ``idle_s``: after this time without reading or writing, a client is disconnected;
    ``clients``: the most clients at a time, more are refused."""

    name: str
    idle_s: float
    clients: int


def answer(heard: bytes) -> bytes:
    """Return the same text in capitals. Only ASCII letters are changed, so that characters may be split between
    reads."""
    return heard.upper()


def listen(family: int, address: tuple[str, int]) -> socket.socket:
    """Return a listening socket. Raises OSError.

    Its connections are reset when their process dies, because an orderly close would occupy the port for a minute. No
    other process can listen on the same port meanwhile (no SO_REUSEPORT).
    """
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_linger(listener, True)  # connections inherit it
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def accept(listener: socket.socket) -> socket.socket | None:
    """Return the connection of the next client; None if no descriptors are left. Raises BlockingIOError if the listener
    does not block and there is none."""
    while True:
        try:
            return listener.accept()[0]
        except ConnectionError:
            continue  # the client has gone while it waited
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            return None


def converse(connection: socket.socket, conduct: Conduct) -> None:
    """Answer one client until it closes, is idle for too long or is gone, then close the connection.

    It blocks in ``recv`` itself, with the system's time-outs.
    """
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, _timeval(conduct.idle_s))
    with connection:
        try:
            transcript = Transcript(connection)
            while heard := connection.recv(CHUNK):
                said = answer(heard)
                connection.sendall(said)
                transcript.tell(heard, said)
            part(connection)
        except OSError:
            return  # the client is gone, or idle for too long: closing resets the connection


def part(connection: socket.socket) -> None:
    """Close in an orderly way: the client has closed first, so our port is not occupied afterwards."""
    _set_linger(connection, False)


def refuse(connection: socket.socket) -> None:
    """Refuse a client by resetting the connection."""
    connection.close()


class Transcript:
    """Prints the conversation with a client as lines ``PEER heard → said``. Raises OSError if the client is gone."""

    def __init__(self, connection: socket.socket) -> None:
        self._peer = of_socket(connection.getpeername())
        decoder = codecs.getincrementaldecoder("utf-8")
        self._heard, self._said = decoder("replace"), decoder("replace")

    def tell(self, heard: bytes, said: bytes) -> None:
        """Print what was received and sent. Incomplete characters are printed with the next line."""
        heard_words, said_words = _words(self._heard.decode(heard)), _words(self._said.decode(said))
        if heard_words or said_words:
            print(f"{self._peer} {heard_words} → {said_words}", flush=True)


def _words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 1] + "…"


def _set_linger(connection: socket.socket, reset: bool) -> None:
    """Set whether closing resets the connection (SO_LINGER with a time of 0)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))


def run_alone(serve: Callable[[socket.socket, Conduct], NoReturn]) -> None:
    """Run a server outside the sandbox: ``python -m sandbox.programs.forking_server [ADDRESS]``."""
    family, address = resolve(parse_address(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
    listener = listen(family, address)
    print(f"listening at {of_socket(listener.getsockname())}", flush=True)
    try:
        serve(listener, Conduct("server", idle_s=600, clients=1_000))
    except KeyboardInterrupt:
        print()
