"""Reads the rows of ``compare --csv`` for charts."""

from __future__ import annotations

import csv
import io
from typing import Any, BinaryIO

from sandbox.analysis.charts.rows import Asked, Table, Written, table
from sandbox.util.text import clean_line
from sandbox.util.units import parse_duration

#: The beginning of the first line; the figures follow.
_HEAD = b"scenario,policy,parameters,machine,cpus,run,seed,unfinished,failed,"
_PARTS = ("mean", "p50", "p95", "max")


def is_ours(first_line: bytes) -> bool:
    """Whether a file with this first line is such a table."""
    return first_line.removeprefix(b"\xef\xbb\xbf").startswith(_HEAD)


def read(file: BinaryIO, asked: Asked) -> Table:
    """Read the rows that can be drawn, with the figure that was asked for. Raises BadValue."""
    lines = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=""))
    rows: list[Written] = []
    left_out = 0
    try:
        for line in lines:
            row = _row(line)
            if row is None:
                left_out += 1
            else:
                rows.append(row)
    except csv.Error:
        left_out += 1
    return table(rows, asked.y)._replace(left_out=left_out)


def _row(line: dict[str, Any]) -> Written | None:
    """Return a row; None if the run failed or was cut short, or if the line is incomplete."""
    try:
        if line["failed"] != "False" or int(line["unfinished"]):
            return None
        label = clean_line(line["policy"], 80)
        head, _, rest = label.partition(":")
        return Written(
            key="",
            scenario=clean_line(line["scenario"], 60),
            contender=label,
            policy={
                "name": rest.partition(":")[0] if head.endswith(".py") and rest else head,
                "parameters": _parameters(line["parameters"]),
            },
            seed=int(line["seed"]),
            cpus=int(line["cpus"]),
            machine=clean_line(line["machine"], 20),
            metrics=_metrics(line),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _parameters(cell: str) -> dict[str, Any]:
    """Parse ``quantum 10 ms  preemptive true``. Names of times get the suffix ``_ns``."""
    found: dict[str, Any] = {}
    for each in filter(None, cell.split("  ")):
        name, _, value = each.strip().partition(" ")
        try:
            found[f"{name}_ns"] = parse_duration(value.replace(" ", ""))
        except ValueError:
            found[name] = _number(value)
    return found


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _metrics(line: dict[str, Any]) -> dict[str, Any]:
    """Convert ``turnaround_mean_ns`` to ``turnaround_ns: {mean: …}``. Raises ValueError."""
    found: dict[str, Any] = {}
    for name in [*line][_HEAD.count(b",") :]:
        value = float(line[name]) if line[name] != "" else None
        first, _, part = name.removesuffix("_ns").rpartition("_")
        if name.endswith("_ns") and part in _PARTS:
            found.setdefault(f"{first}_ns", {})[part] = value
        else:
            found[name] = value
    return found
