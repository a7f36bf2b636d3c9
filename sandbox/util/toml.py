"""A reader for untrusted TOML whose time is bounded by the length of the text, and a writer for TOML."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

#: The most parts of a dotted key. The time of the standard library's parser grows with the square of their number.
MAX_PARTS = 50
_PART = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+"
_DEEP_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_PART}(?:\.[ \t]*+{_PART}){{{MAX_PARTS},}}", re.MULTILINE)


def loads(text: str) -> dict[str, Any]:
    """Parse TOML. Raises TOMLDecodeError, and RecursionError if the text is nested too deeply."""
    if _DEEP_KEY.search(text) is not None:
        raise RecursionError("a key has too many parts")
    return tomllib.loads(text)


def fault(error: ValueError) -> str:
    """Return the message of a parse error without its place in the text, which is reported separately."""
    return re.sub(r" \(at (?:line \d+, column \d+|end of document)\)$", "", str(error))


#: The most characters of a line of an array; longer arrays are written on several lines.
_MAX_LINE = 100
_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)


def dumps(tables: Mapping[str, Any]) -> str:
    """Write tables as TOML. Values that are not tables come first; each table, each table directly within one, and each
    entry of a list of tables gets a heading; tables nested deeper are written inline."""
    plain = [f"{_key(name)} = {_value(value)}" for name, value in tables.items() if not _has_heading(value)]
    parts = ["\n".join(plain)] if plain else []
    for name, value in tables.items():
        if isinstance(value, dict):
            parts += _table(_key(name), value)
        elif _has_heading(value):
            parts += ["\n".join([f"[[{_key(name)}]]", *_entries(entry)]) for entry in value]
    return "\n\n".join(parts) + "\n"


def _table(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    below = {key: value for key, value in table.items() if isinstance(value, dict) and value}
    yield "\n".join([f"[{name}]", *_entries({key: value for key, value in table.items() if key not in below})])
    for key, value in below.items():
        yield "\n".join([f"[{name}.{_key(key)}]", *_entries(value)])


def _entries(table: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_key(key)} = {_value(value)}" for key, value in table.items())


def _has_heading(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, dict) for entry in value)
    return isinstance(value, dict)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case dict():
            inside = ", ".join(f"{_key(key)} = {_value(of)}" for key, of in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list():
            entries = [*map(_value, value)]
            line = f"[{', '.join(entries)}]"
            if len(line) <= _MAX_LINE:
                return line
            lines = (
                wrap(", ".join(entries), _MAX_LINE, break_long_words=False, break_on_hyphens=False)
                if all(" " not in each for each in entries)
                else None
            )
            return "[\n    " + "\n    ".join(lines or [f"{each}," for each in entries]) + "\n]"
        case _:
            return str(value)
