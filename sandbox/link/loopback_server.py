"""A kernel process that connects to its parent: ``python -m sandbox.kernel sandbox.link.loopback_server PORT``. It
reads the secret word that identifies it from standard input."""

from __future__ import annotations

import signal
import socket
import sys

from sandbox.link.server import LinkServer, serve
from sandbox.util import libc


def main(port: str) -> None:
    """Run one scenario until its end, or until the link is closed: in virtual time, or with signals only."""
    if sys.platform == "linux":
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the app handles ctrl+c
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    word = sys.stdin.buffer.read()
    end = socket.create_connection(("127.0.0.1", int(port)))
    end.sendall(word)
    link = LinkServer(end)
    serve(link, link.first_line())
