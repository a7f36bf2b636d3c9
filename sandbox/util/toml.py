"""TOML that may come from anywhere, read in a time that its length bounds, and TOML to be written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from textwrap import wrap
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


def fault(error: ValueError) -> str:
    """What is wrong with a text, without the place, which is told elsewhere."""
    return re.sub(r" \(at (?:line \d+, column \d+|end of document)\)$", "", str(error))


#: Characters of a line of an array, before it is broken into one line an entry.
_MAX_LINE = 100
_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)


def dumps(tables: Mapping[str, Any]) -> str:
    """A text of these tables: what is no table comes first, each table, those in them, and each entry of a list of
    tables has its own heading, and what is nested deeper stands in a line."""
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
