"""Conversion of TOML tables to structs, in which each key is read by the kind that its field declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec

from sandbox.model.problems import Problems, Where
from sandbox.model.spec import MAX_PROCESSES
from sandbox.model.values import BadValue, Kind, nearest, shown

S = TypeVar("S", bound=msgspec.Struct)


@cache
def kinds(struct: type[msgspec.Struct]) -> Mapping[str, tuple[str, Kind[Any]]]:
    """Map each key in a file to its field and kind. Cached, as there may be thousands of tables of one struct."""
    hints = get_type_hints(struct, include_extras=True)
    return {name.removesuffix("_ns"): (name, hint.__metadata__[0]) for name, hint in hints.items()}


@cache
def _required(struct: type[msgspec.Struct]) -> Collection[str]:
    """Return the names of the required fields, in order."""
    return [field.name for field in msgspec.structs.fields(struct) if field.required]


#: A struct, and the number of its table.
Numbered = tuple[int, S]


class Tables:
    """Reads tables; faults are added to the problems."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def structs(self, key: str, struct: type[S], table: dict[str, Any]) -> Iterator[Numbered[S]]:
        """Yield the structs of the valid tables of one key, each with its table's number."""
        for index, raw in enumerate(self.tables(key, table)):
            value = self.struct((key, str(index)), struct, raw)
            if value is not None:
                yield index, value

    def struct(self, where: Where, struct: type[S], raw: dict[str, Any]) -> S | None:
        """Convert a table to a struct, reading each key by the kind that its field declares; return None if any key is
        wrong."""
        known = kinds(struct)
        before = len(self._problems.found)
        self.refuse_unknown(where, raw, known)
        values: dict[str, Any] = {}
        for key, value in raw.items():
            if key in known:
                field, kind = known[key]
                values[field] = self.value((*where, key), kind, value, None)
        for field in _required(struct):
            if field not in values:
                self._problems.add(where, "is missing", key=field.removesuffix("_ns"))
        return struct(**values) if len(self._problems.found) == before else None

    def value(self, where: Where, kind: Kind[Any], raw: object, otherwise: Any) -> Any:
        """Return a value read by a kind; add a problem and return ``otherwise`` if it is not valid."""
        try:
            return kind.read(raw)
        except BadValue as bad:
            self._problems.add_bad_value(where, bad)
            return otherwise

    def table(self, where: Where, raw: object) -> dict[str, Any]:
        """Return ``raw`` if it is a table; else add a problem and return an empty table."""
        if isinstance(raw, dict):
            return raw
        self._problems.add(where, "expected a table", value=shown(raw))
        return {}

    def tables(self, key: str, table: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the tables of one key, or an empty list with a problem added if they are not valid."""
        raw = table.get(key, [])
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            self._problems.add((key,), "expected tables", value=shown(raw), hint=f"[[{key}]]")
            return []
        if len(raw) > MAX_PROCESSES:
            self._problems.add((key,), "too many tables", number=len(raw), allowed=MAX_PROCESSES)
            return []
        return raw

    def refuse_unknown(self, where: Where, raw: dict[str, Any], known: Collection[str]) -> None:
        """Add a problem for each key that is not one of the ``known`` ones."""
        for key in raw:
            if key not in known:
                self._problems.add(
                    (*where, key),
                    "unknown key",
                    value=shown(key).strip("'"),
                    allowed=" | ".join(sorted(known)),
                    hint=nearest(key, sorted(known)),
                )
