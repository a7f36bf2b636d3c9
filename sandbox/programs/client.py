"""A client as a scheduled process: it sends a text, waits for the answer, prints it, and sleeps."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

CHUNK = 4_096


def talk(address: tuple[str, int], say: Sequence[str], every_s: float, times: int | None) -> int:
    """Talk to a server, ``times`` times (None: as long as it is there). Returns the exit status."""
    try:
        with socket.create_connection(address) as connection:
            said = 0
            while times is None or said < times:
                if said:
                    time.sleep(every_s)
                connection.sendall(say[said % len(say)].encode())
                said += 1
                heard = connection.recv(CHUNK)
                if not heard:
                    print("the server has closed the connection", flush=True)
                    return 1
                print(heard.decode(errors="replace"), flush=True)
    except OSError as error:
        print(f"{error.strerror or error}", flush=True)
        return 1
    return 0
