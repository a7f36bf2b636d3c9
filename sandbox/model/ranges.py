"""Ranges as people write them: ``1ms..200ms*2`` (each value is twice the last), ``10..50+10`` (ten more), ``1..20``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sandbox.model.values import BadValue, Whole, shown
from sandbox.util.units import parse_duration, write_duration

#: The most values of one range. Each value becomes a contender, which is constructed once to validate it.
MAX_VALUES = 10_000
HINT = '"1ms..200ms*2" | "10ms..50ms+10ms" | "1..20"'
_NUMBER = r"[+-]?\d{1,18}(?:\.\d{1,9})?(?:\s*(?:ns|us|µs|ms|s|min))?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?:([*+])\s*({_NUMBER})\s*)?")
_STARTS_AS_ONE = re.compile(rf"\s*{_NUMBER}\s*\.\.")


def expand(text: str) -> list[str]:
    """Return the values of a range, each as a person would write it, or a list of just ``text`` if it is no range.
    Raises BadValue for an invalid range."""
    if not _STARTS_AS_ONE.match(text):
        return [text]
    match = _RANGE.fullmatch(text)
    if match is None:
        raise BadValue("not a range", value=shown(text), allowed=HINT)
    first, last, operator, by = match.groups()
    is_time = _is_time(first)
    if _is_time(last) != is_time:
        raise BadValue("range of two kinds", value=shown(text), first=first.strip(), last=last.strip())
    if operator is None:
        if is_time:
            raise BadValue("not a range", value=shown(text), allowed=HINT)
        operator, by = "+", "1"
    if _is_time(by) != (is_time and operator == "+"):
        raise BadValue("not a range", value=shown(text), allowed=HINT)
    return [_written(value, is_time) for value in _values(text, _exact(first), _exact(last), operator, _exact(by))]


def _values(text: str, first: Fraction, last: Fraction, operator: str, by: Fraction) -> Iterator[Fraction]:
    """Yield the values from ``first`` up to ``last``, which need not be one of them. Raises BadValue."""
    grows = by > 0 if operator == "+" else by > 1 and first > 0
    if not grows or last < first:
        raise BadValue("range without end", value=shown(text))
    value, number = first, 0
    while value <= last:
        number += 1
        if number > MAX_VALUES:
            raise BadValue("too many values", value=shown(text), allowed=MAX_VALUES)
        yield value
        value = value + by if operator == "+" else value * by


def _is_time(text: str) -> bool:
    return text.strip()[-1].isalpha()


def _exact(text: str) -> Fraction:
    return Fraction(parse_duration(text)) if _is_time(text) else Fraction(text.strip())


def _written(value: Fraction, is_time: bool) -> str:
    if is_time:
        return write_duration(round(value))
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.9g}"


class Wholes:
    """Whole numbers as people list them (``1..20``, ``1,2,4``, ``1..64*2,100``), without duplicates, in the order of
    the list. A range is not expanded, so even a range of a million takes little memory."""

    def __init__(self, parts: Sequence[Sequence[int]]) -> None:
        self._parts: list[Sequence[int]] = []
        for part in parts:
            others = [other for other in self._parts if _meet(part, other)]
            self._parts.append(
                [value for value in part if not any(value in other for other in others)] if others else part
            )

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[int]:
        for part in self._parts:
            yield from part


def _meet(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sorted sequences may have a value in common."""
    return bool(one and other) and one[0] <= other[-1] and other[0] <= one[-1]


def wholes(text: str, kind: Whole) -> Wholes:
    """Parse a list of whole numbers and ranges. Raises BadValue."""
    return Wholes([_part(part.strip(), kind) for part in text.split(",")])


def _part(text: str, kind: Whole) -> Sequence[int]:
    first, dots, last = text.partition("..")
    if dots and first.strip().isdecimal() and last.strip().isdecimal():
        begin, end = kind.parse(first.strip()), kind.parse(last.strip())
        if end < begin:
            raise BadValue("range without end", value=shown(text))
        return range(begin, end + 1)
    return [kind.parse(value) for value in expand(text)]
