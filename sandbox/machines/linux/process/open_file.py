"""What a descriptor of a process leads to."""

from __future__ import annotations

from typing import NamedTuple


class OpenFile(NamedTuple):
    """Where a descriptor leads. ``kind``: "console", "terminal" (the other side of one), "pipe", "socket", "device",
    "file", or what it is of the system's own; ``target``: what ``/proc`` calls it; of a socket ``own`` and ``peer``:
    its addresses, ``listens``: whether it accepts connections."""

    kind: str
    target: str
    own: str | None = None
    peer: str | None = None
    listens: bool = False
