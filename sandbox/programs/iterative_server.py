"""A server that takes its clients one after another.

Good: the simplest there is. Bad: while one client is connected, and be it silent, all others wait in the kernel's
backlog.
"""

from __future__ import annotations

import socket
import time
from typing import NoReturn

from sandbox.programs.conversation import Conduct, accept, converse, run_alone

_PAUSE_S = 0.1


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept and answer, for ever."""
    while True:
        connection = accept(listener)
        if connection is None:
            time.sleep(_PAUSE_S)  # to ask again and again would only burn CPU
        else:
            converse(connection, conduct)


if __name__ == "__main__":
    run_alone(serve)
