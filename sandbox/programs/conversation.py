"""What the servers have in common: a client is heard, and told the same in capitals, until it has said all."""

from __future__ import annotations

import codecs
import errno
import socket
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from sandbox.util.addresses import DEFAULT, of_socket, parse_address, resolve

#: Connections that may wait to be accepted, where the system permits it.
BACKLOG = 1_024
#: Bytes that are read at a time.
CHUNK = 4_096
_MAX_SHOWN = 60
#: Errors of accept that say that no descriptor or memory is left for the connection.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Conduct(NamedTuple):
    """How a server behaves. ``name``: what it is called; ``idle_s``: a client that is silent, or does not read, for so
    long is left; ``clients``: how many may be connected at once, further ones are refused."""

    name: str
    idle_s: float
    clients: int


def answer(heard: bytes) -> bytes:
    """The same in capitals, byte for byte: letters of ASCII change, the bytes of any other character are left as they
    are, so that it does not matter where the network cuts them."""
    return heard.upper()


def listen(family: int, address: tuple[str, int]) -> socket.socket:
    """A socket that listens. Raises OSError.

    Its connections are reset when their process dies: an orderly end would keep the port taken for a minute. Nobody
    else may listen at the same port meanwhile (no SO_REUSEPORT).
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
    """The next client; None where there are no descriptors for it. Raises BlockingIOError where nobody is there, and we
    are not to wait."""
    while True:
        try:
            return listener.accept()[0]
        except ConnectionError:
            continue  # it went away while it waited
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            return None


def converse(connection: socket.socket, conduct: Conduct) -> None:
    """Answer one client, until it has said all, is silent for too long or is gone; the connection is closed then.

    It waits in ``recv`` itself, with the system's own time-outs.
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
            return  # it is gone, or too long silent: closing resets the connection


def part(connection: socket.socket) -> None:
    """The client has said all, and closes first: the end is orderly, and leaves nothing at our port."""
    _set_linger(connection, False)


def refuse(connection: socket.socket) -> None:
    """There is no room for this client: it is told by a reset."""
    connection.close()


class Transcript:
    """What is said, a line each on standard output: ``PEER heard → said``. Raises OSError where the client is gone
    already."""

    def __init__(self, connection: socket.socket) -> None:
        self._peer = of_socket(connection.getpeername())
        decoder = codecs.getincrementaldecoder("utf-8")
        self._heard, self._said = decoder("replace"), decoder("replace")

    def tell(self, heard: bytes, said: bytes) -> None:
        """This was heard, and that said; a character that is not complete yet is told with the next."""
        heard_words, said_words = _words(self._heard.decode(heard)), _words(self._said.decode(said))
        if heard_words or said_words:
            print(f"{self._peer} {heard_words} → {said_words}", flush=True)


def _words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 1] + "…"


def _set_linger(connection: socket.socket, reset: bool) -> None:
    """Whether closing resets the connection (SO_LINGER of no time)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))


def run_alone(serve: Callable[[socket.socket, Conduct], NoReturn]) -> None:
    """``python -m sandbox.programs.forking_server [ADDRESS]``: the same server, outside the sandbox."""
    family, address = resolve(parse_address(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
    listener = listen(family, address)
    print(f"listening at {of_socket(listener.getsockname())}", flush=True)
    try:
        serve(listener, Conduct("server", idle_s=600, clients=1_000))
    except KeyboardInterrupt:
        print()
