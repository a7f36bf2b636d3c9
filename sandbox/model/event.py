"""The base class of all events."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event", gc=False):
    """Something that happened at ``t_ns`` nanoseconds since boot."""

    t_ns: int
