"""The messages to workers. They contain all that a run needs, including files."""

from __future__ import annotations

import msgspec

from sandbox import __version__
from sandbox.model.spec import Scenario


class Entry(msgspec.Struct, frozen=True):
    """A scenario under a policy. ``label``: the contender as the user wrote it; ``files``: the contents of policy files
    by the names that the scenario uses."""

    scenario: Scenario
    label: str
    files: dict[str, str] = {}


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One run of an entry."""

    entry: int
    key: str
    seed: int
    cpus: int


class Chunk(msgspec.Struct, frozen=True):
    """Runs that are sent together. ``limit_s``: the time limit of each; ``version``: that of the caller."""

    entries: list[Entry]
    rows: list[Row]
    limit_s: float
    version: str = __version__


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Chunk).decode


class _Version(msgspec.Struct):
    version: str


_decode_version = msgspec.json.Decoder(_Version).decode


def version_of(message: bytes) -> str:
    """Return the version of the caller, whose chunks may have another format."""
    return _decode_version(message).version
