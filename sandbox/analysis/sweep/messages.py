"""What travels to whoever makes the runs: everything that a run needs, no file beside it."""

from __future__ import annotations

import msgspec

from sandbox import __version__
from sandbox.model.spec import Scenario


class Entry(msgspec.Struct, frozen=True):
    """A scenario under a policy. ``label``: the contender as the user wrote it; ``files``: the texts of the policies
    that lie in files, by the names that the scenario has for them."""

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
    """Runs that are given out together. ``limit_s``: for each of them; ``version``: of whoever asks."""

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
    """Who asks: another version's chunks may have another form."""
    return _decode_version(message).version
