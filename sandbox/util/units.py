"""Parsing and formatting of durations and sizes, which the program stores as integer nanoseconds and bytes."""

from __future__ import annotations

import re

US = 1_000
MS = 1_000_000
S = 1_000_000_000

_UNITS = {"ns": 1, "us": US, "µs": US, "ms": MS, "s": S, "min": 60 * S}
_BYTES = {"kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_DURATION = re.compile(r"(\d{1,18})(?:\.(\d{1,9}))?\s*(ns|us|µs|ms|s|min)")

_SIZE = re.compile(r"(\d{1,12})\s*(kB|MB|GB)")


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a duration such as ``20ms``, ``1.5s``, ``250us``.

    Raises ValueError for anything else, including a number without a unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    whole, fraction, unit = match.groups(default="")
    size = _UNITS[unit]
    return int(whole) * size + int(fraction or "0") * size // int(10 ** len(fraction))


def show_duration(ns: int) -> str:
    """Return a duration for display, in the largest fitting unit with at most three decimals: ``20 ms``, ``1.5 s``."""
    if ns < 0:
        return "-" + show_duration(-ns)
    for unit, size in (("s", S), ("ms", MS), ("us", US)):
        if ns >= size:
            value = f"{ns / size:.3f}".rstrip("0").rstrip(".")
            return f"{value} {unit}"
    return f"{ns} ns" if ns else "0 s"


def write_duration(ns: int) -> str:
    """Return a duration in an exact form that ``parse_duration`` reads back."""
    for unit, size in (("s", S), ("ms", MS), ("us", US)):
        if ns and ns % size == 0:
            return f"{ns // size}{unit}"
    return f"{ns}ns" if ns else "0ms"


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``400MB``. Raises ValueError for anything else."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return int(match[1]) * _BYTES[match[2]]


def show_size(number: int) -> str:
    """Return a size in a form that ``parse_size`` reads back (exactly for whole kilobytes): ``400 MB``."""
    unit, size = next(((unit, size) for unit, size in reversed(_BYTES.items()) if number % size == 0), ("kB", 1_000))
    return f"{number // size} {unit}"
