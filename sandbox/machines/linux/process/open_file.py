"""What a descriptor of a process leads to."""

from __future__ import annotations

from typing import NamedTuple


class OpenFile(NamedTuple):
    """What a descriptor leads to.

    ``kind``: "console", "terminal" (the other side of a console), "pipe", "socket", "device", "file", or the kind of an
    anonymous inode of the system; ``target``: its name in ``/proc``; ``own`` and ``peer``: the addresses of a socket
    (None: not a socket, or unknown); ``listens``: whether a socket accepts connections.
    """

    kind: str
    target: str
    own: str | None = None
    peer: str | None = None
    listens: bool = False
