"""A server that takes its clients one after another.

Good: the simplest there is. Bad: while one client is connected, and be it silent, all others wait in the kernel's
backlog.
"""

from __future__ import annotations

import socket
from typing import NoReturn

from sandbox.programs.conversation import Conduct, converse


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept and answer, for ever."""
    while True:
        try:
            connection, _ = listener.accept()
        except ConnectionError:
            continue  # it went away while it waited
        converse(connection, conduct)
