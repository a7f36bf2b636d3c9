"""A file's bytes → its tables, and the lines on which they begin."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from sandbox.model.events import Clause
from sandbox.model.problems import Problem, Problems, Where
from sandbox.model.values import shown

MAX_BYTES = 256 * 1024
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


def parse(path: Path, problems: Problems) -> dict[str, Any] | None:
    """The tables of a file, if it has any; ``problems`` are told its lines."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            problems.add((), "file is too large", allowed=f"{MAX_BYTES // 1024} KiB")
            return None
        text = data.decode("utf-8-sig")
        problems.lines = _line_numbers(text)
        return tomllib.loads(text)
    except OSError as error:
        problems.add((), "cannot be read", reason=error.strerror)
    except UnicodeDecodeError as error:
        problems.add((), "is not UTF-8", byte=error.start)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        what = Clause("is not TOML", {"reason": shown(str(error)).strip("'\"")})
        problems.found.append(Problem(int(line[1]) if line else 0, "", what))
    except (RecursionError, ValueError):  # ValueError: a number of far too many digits
        problems.add((), "is nested too deeply")
    return None


def _line_numbers(text: str) -> dict[Where, int]:
    """Where each table and key of a file begins. A quick look, good for messages: no TOML parser that keeps
    positions is worth a dependency."""
    numbers: dict[Where, int] = {}
    table: Where = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = (header[2],)
            if header[1] == "[[":
                index = counts[header[2]] = counts.get(header[2], -1) + 1
                numbers.setdefault(table, number)
                table = (header[2], str(index))
            numbers.setdefault(table, number)
        elif key := _KEY.match(line):
            numbers.setdefault((*table, key[1]), number)
    return numbers
