"""Typed values with units and ranges, for the keys of scenarios and the parameters of policies.

A kind reads a raw TOML or JSON value and either returns the value that the program works with
(durations become integer nanoseconds) or raises ``BadValue``, whose clauses say as data what is
wrong and what is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sandbox.i18n import N_
from sandbox.model.clause import Clause, Figure
from sandbox.util.text import clean, clean_line
from sandbox.util.units import parse_duration, parse_size, show_duration, show_size, write_duration

T = TypeVar("T")

DAY = "86400s"
#: A number without a unit.
_BARE = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)


class BadValue(ValueError):
    """Raised for a value that is not allowed. ``faults``: each broken rule with its figures, and its place
    inside the value (``""``: the value itself; ``"[2]"``: the second item)."""

    def __init__(self, rule: str, **figures: Figure) -> None:
        super().__init__(rule)
        self.faults: list[tuple[str, Clause]] = [("", Clause(rule, figures))]

    @property
    def what(self) -> Clause:
        """The first broken rule, for callers that report only one."""
        return self.faults[0][1]

    @classmethod
    def all(cls, faults: list[tuple[str, Clause]]) -> BadValue:
        """Create the exception for several faults of one value."""
        bad = cls(faults[0][1].rule)
        bad.faults = faults
        return bad


def nearest(word: str, allowed: Sequence[str]) -> str | None:
    """Return the allowed word that was probably meant, or None if none is similar."""
    from difflib import get_close_matches  # imported only on errors, to keep the kernel process small

    matches = get_close_matches(word, allowed, n=1, cutoff=0.6)
    return matches[0] if matches else None


def shown(raw: object) -> str:
    """Return a raw value as shown in a message: short, on one line and without control characters."""
    if isinstance(raw, dict):
        return N_("a table")
    if isinstance(raw, list):
        return N_("a list")
    if isinstance(raw, bool):
        return str(raw).lower()
    try:
        return clean_line(repr(raw) if isinstance(raw, str) else str(raw), 60)
    except ValueError:  # the interpreter writes no integer of more than some thousands of digits
        return clean_line(hex(raw) if isinstance(raw, int) else repr(type(raw)), 60)


class Kind(Generic[T]):
    """A type of value. ``is_time``: names of such values end in ``_ns`` in the program and in JSON."""

    is_time = False

    def read(self, raw: object) -> T:
        """Convert a raw TOML or JSON value. Raises BadValue."""
        raise NotImplementedError

    def raw(self, text: str) -> object:
        """Convert typed text to the raw value that a file would hold, for ``read``."""
        return text

    def parse(self, text: str) -> T:
        """Convert typed text to a value. Raises BadValue."""
        return self.read(self.raw(text))

    def write(self, value: T) -> str:
        """Return the value as a person would type it."""
        return str(value)

    def range(self) -> str:
        """Return the allowed values in a short form that needs no translation: ``1 … 64``."""
        return ""


class Duration(Kind[int]):
    """A duration such as ``20ms``, ``1.5s``, ``250us``, read as nanoseconds. A bare number is refused, with a hint.
    ``zero``: 0, which means never, is allowed even below ``least``."""

    is_time = True

    def __init__(self, least: str = "0ns", most: str = DAY, zero: bool = False) -> None:
        self.least, self.most, self.zero = parse_duration(least), parse_duration(most), zero

    def read(self, raw: object) -> int:
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            raise BadValue("duration needs a unit", value=shown(raw), hint=f'"{shown(raw)}ms"')
        if not isinstance(raw, str):
            raise BadValue("expected a duration", value=shown(raw))
        try:
            value = parse_duration(raw)
        except ValueError:
            if _BARE.fullmatch(raw.strip()):
                raise BadValue("duration needs a unit", value=shown(raw), hint=f'"{raw.strip()}ms"') from None
            if raw.strip().startswith("-"):
                raise BadValue("out of range", value=shown(raw), allowed=self.range()) from None
            raise BadValue("expected a duration", value=shown(raw)) from None
        if not (self.least <= value <= self.most or (self.zero and value == 0)):
            raise BadValue("out of range", value=shown(raw), allowed=self.range())
        return value

    def write(self, value: int) -> str:
        return write_duration(value)

    def range(self) -> str:
        never = "0 ms | " if self.zero else ""
        return f"{never}{show_duration(self.least)} … {show_duration(self.most)}"


class Size(Kind[int]):
    """A size such as ``64kB``, ``400MB``, ``2GB``, read as bytes. A bare number is refused."""

    def __init__(self, least: str, most: str) -> None:
        self.least, self.most = parse_size(least), parse_size(most)

    def read(self, raw: object) -> int:
        try:
            value = parse_size(raw) if isinstance(raw, str) else None
        except ValueError:
            value = None
        if value is None:
            raise BadValue("expected a size", value=shown(raw))
        if not self.least <= value <= self.most:
            raise BadValue("out of range", value=shown(raw), allowed=self.range())
        return value

    def write(self, value: int) -> str:
        return show_size(value)

    def range(self) -> str:
        return f"{show_size(self.least)} … {show_size(self.most)}"


class Whole(Kind[int]):
    """A whole number from ``least`` to ``most``."""

    def __init__(self, least: int = 0, most: int = 1_000_000) -> None:
        self.least, self.most = least, most

    def read(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise BadValue("expected a whole number", value=shown(raw), allowed=self.range())
        if not self.least <= raw <= self.most:
            raise BadValue("out of range", value=shown(raw), allowed=self.range())
        return raw

    def raw(self, text: str) -> object:
        return int(text) if _WHOLE.fullmatch(text) else text

    def range(self) -> str:
        return f"{self.least} … {self.most}"


class Number(Kind[float]):
    """A finite number from ``least`` to ``most``."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most

    def read(self, raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
            raise BadValue("expected a number", value=shown(raw), allowed=self.range())
        if not self.least <= raw <= self.most:
            raise BadValue("out of range", value=shown(raw), allowed=self.range())
        return float(raw)

    def raw(self, text: str) -> object:
        return float(text) if _NUMBER.fullmatch(text) else text

    def range(self) -> str:
        return f"{self.least:g} … {self.most:g}"


class Flag(Kind[bool]):
    """A truth value, written ``true`` or ``false``."""

    def read(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise BadValue("expected true or false", value=shown(raw))
        return raw

    def raw(self, text: str) -> object:
        return {"true": True, "false": False}.get(text, text)

    def write(self, value: bool) -> str:
        return "true" if value else "false"

    def range(self) -> str:
        return "true | false"


class Choice(Kind[str]):
    """One word from a fixed set."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or raw not in self.words:
            hint = nearest(raw, self.words) if isinstance(raw, str) else None
            raise BadValue("not one of the allowed words", value=shown(raw), allowed=self.range(), hint=hint)
        return raw

    def range(self) -> str:
        return " | ".join(self.words)


class Text(Kind[str]):
    """Text of ``least`` to ``most`` characters, without control characters. ``lines``: several lines are allowed."""

    def __init__(self, most: int = 200, least: int = 1, lines: bool = False) -> None:
        self.most, self.least, self.lines = most, least, lines

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise BadValue("expected text", value=shown(raw))
        if not self.least <= len(raw) <= self.most:
            raise BadValue("text has the wrong length", length=len(raw), allowed=f"{self.least} … {self.most}")
        if "\0" in raw:
            raise BadValue("text holds a NUL byte")
        return clean(raw) if self.lines else clean_line(raw, self.most)


class Name(Kind[str]):
    """The name of a process: one word of at most 40 printable characters."""

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise BadValue("expected text", value=shown(raw))
        if not raw or len(raw) > 40 or clean_line(raw) != raw or " " in raw:
            raise BadValue("not a name", value=shown(raw))
        return raw


class Argument(Kind[str]):
    """One argument of a program, passed on unchanged; it must be cleaned before it is shown."""

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise BadValue("expected text", value=shown(raw))
        if "\0" in raw:
            raise BadValue("text holds a NUL byte")
        if len(raw) > 65_536:
            raise BadValue("text has the wrong length", length=len(raw), allowed="0 … 65536")
        return raw


class Scalar(Kind["str | int | float | bool"]):
    """A plain value passed to a Python function."""

    def read(self, raw: object) -> str | int | float | bool:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, int) and abs(raw) < 2**63:
            return raw
        if isinstance(raw, float) and math.isfinite(raw):
            return raw
        return Argument().read(raw)


class ListOf(Kind[list[T]]):
    """A list of ``least`` to ``most`` values of one kind."""

    def __init__(self, item: Kind[T], least: int = 0, most: int = 1_000) -> None:
        self.item, self.least, self.most = item, least, most
        self.is_time = item.is_time

    def read(self, raw: object) -> list[T]:
        if not isinstance(raw, list):
            raise BadValue("expected a list", value=shown(raw))
        if not self.least <= len(raw) <= self.most:
            raise BadValue("list has the wrong length", length=len(raw), allowed=f"{self.least} … {self.most}")
        values: list[T] = []
        faults: list[tuple[str, Clause]] = []
        for index, item in enumerate(raw):
            try:
                values.append(self.item.read(item))
            except BadValue as bad:
                faults += [(f"[{index + 1}]{inside}", clause) for inside, clause in bad.faults]
        if faults:
            raise BadValue.all(faults)
        return values

    def raw(self, text: str) -> object:
        """Split at commas, or at slashes, for places where commas already separate something else."""
        return [self.item.raw(part.strip()) for part in re.split("[,/]", text)] if text.strip() else []

    def write(self, value: list[T]) -> str:
        return ", ".join(self.item.write(item) for item in value)

    def range(self) -> str:
        return self.item.range()


class Words(ListOf[str]):
    """A sequence of names, separated by commas, or by blanks if no name contains one: ``a a b``."""

    def __init__(self, least: int = 0, most: int = 1_000) -> None:
        super().__init__(Text(100), least, most)

    def raw(self, text: str) -> object:
        words = text.split(",") if "," in text else text.split()
        return [word.strip() for word in words if word.strip()]

    def write(self, value: list[str]) -> str:
        return (", " if any(" " in word for word in value) else " ").join(value)

    def range(self) -> str:
        return f"NAME NAME … ({self.least} … {self.most})"


class Parsed(Kind[T]):
    """Text that is converted by a function, which raises BadValue."""

    def __init__(self, function: Callable[[str], T]) -> None:
        self._function = function

    def read(self, raw: object) -> T:
        if not isinstance(raw, str):
            raise BadValue("expected text", value=shown(raw))
        return self._function(raw)
