"""TOML that may come from anywhere, read in a time that its length bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

#: Parts of a dotted key. The standard library's parser takes a time that grows with their square.
MAX_PARTS = 50
_PART = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+"
_DEEP_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_PART}(?:\.[ \t]*+{_PART}){{{MAX_PARTS},}}", re.MULTILINE)


def loads(text: str) -> dict[str, Any]:
    """The tables of a text. Raises TOMLDecodeError, and RecursionError where it is nested too deeply."""
    if _DEEP_KEY.search(text) is not None:
        raise RecursionError("a key has too many parts")
    return tomllib.loads(text)
