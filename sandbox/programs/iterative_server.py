"""A server that serves its clients one after another.

Advantage: it is the simplest kind. Disadvantage: while one client is connected, even if it is silent, all others wait
in the kernel's backlog.
"""

from __future__ import annotations

import socket
import time
from typing import NoReturn

from sandbox.programs.conversation import Conduct, accept, converse, run_alone

_PAUSE_S = 0.1


def serve(listener: socket.socket, conduct: Conduct) -> NoReturn:
    """Accept clients and answer them."""
    while True:
        connection = accept(listener)
        if connection is None:
            time.sleep(_PAUSE_S)  # trying again at once would burn CPU
        else:
            converse(connection, conduct)


if __name__ == "__main__":
    run_alone(serve)
