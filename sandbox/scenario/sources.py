"""The source of what a process runs, as text for display: its file, its script, the stretches of its work."""

from __future__ import annotations

import itertools
import os
import re
import stat
from typing import NamedTuple

import sandbox
from sandbox.model.events import Clause
from sandbox.model.spec import ProcessSpec
from sandbox.util.paths import NONBLOCK, PLAIN
from sandbox.util.text import clean_line, without_controls
from sandbox.util.units import write_duration

#: The most bytes of a file that are shown.
MAX_BYTES = 1 << 18
_TAB = 4
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Options that are followed by code in the command line.
_CODE = ("-c", "-e")
_INTERPRETERS = re.compile(r"(python|perl|ruby|node|lua|(ba|da|z|k)?sh)[\d.]*|env")


class Source(NamedTuple):
    """The source of a program. ``name``: its name for display; ``first``: the line where it begins, counted from 1 (0:
    no particular one). ``missing``: why there are no lines (None: there are)."""

    name: str
    lines: tuple[str, ...] = ()
    first: int = 0
    missing: Clause | None = None


def source_of(spec: ProcessSpec, folder: str) -> Source:
    """Return the source of a process whose scenario is in the given folder."""
    if spec.work is not None:
        times = f" × {spec.repeat}" if spec.repeat > 1 else ""
        return Source(f"{spec.name}{times}", tuple(f"{part.kind} {write_duration(part.ns)}" for part in spec.work))
    if spec.python is not None:
        file, _, function = spec.python.partition(":")
        source = source_in(os.path.join(folder, file), file)
        return source._replace(first=_definition(source.lines, function))
    if spec.command is not None:
        return _of_command(spec.command, folder)
    name = f"{(spec.program or '').replace('-', '_')}.py"
    return source_in(os.path.join(sandbox.__path__[0], "programs", name), name)


def source_beside(file: str, folder: str) -> Source:
    """Return a source file named by a run. Files outside the scenario's folder are refused."""
    here = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(here, file.replace("\0", "")))
    if path != here and not path.startswith(os.path.join(here, "")):
        return Source(clean_line(file), missing=Clause("not beside the scenario"))
    return source_in(path, file)


def source_in(path: str, name: str) -> Source:
    """Return the cleaned lines of a text file, divided as Python divides lines."""
    shown = clean_line(name)
    try:
        descriptor = os.open(path, os.O_RDONLY | PLAIN | NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Source(shown, missing=Clause("not a text file"))
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        return Source(shown, missing=Clause("cannot be read", {"reason": reason}))
    if b"\0" in data:
        return Source(shown, missing=Clause("not a text file"))
    lines = text_lines(data[:MAX_BYTES].decode(errors="replace"))
    return Source(shown, lines if len(data) <= MAX_BYTES else (*lines, "…"))


def text_lines(text: str) -> tuple[str, ...]:
    """Split foreign text into lines without tabs and control characters."""
    lines = [without_controls(line.expandtabs(_TAB)) for line in _LINE_END.split(text.removeprefix("\ufeff"))]
    return tuple(lines[:-1] if lines and not lines[-1] else lines)


def _of_command(command: list[str], folder: str) -> Source:
    """Return the code in the command line, or else the program's text file: the command itself, or an argument of an
    interpreter."""
    for option, code in itertools.pairwise(command):
        if option in _CODE:
            return Source(clean_line(f"{command[0]} {option}"), text_lines(code))
    interpreted = _INTERPRETERS.fullmatch(os.path.basename(command[0])) is not None
    words = [command[0], *(word for word in command[1:] if interpreted and not word.startswith("-"))]
    for word in words:
        path = os.path.join(folder, word)
        if os.path.isfile(path) and not (source := source_in(path, word)).missing:
            return source
    return Source(clean_line(command[0]), missing=Clause("no source"))


def _definition(lines: tuple[str, ...], function: str) -> int:
    """Return the line in which a function is defined, counted from 1; 0: none."""
    if not function:
        return 0
    begins = re.compile(rf"\s*(async\s+)?def\s+{re.escape(function)}\b|{re.escape(function)}\s*=")
    return next((number for number, line in enumerate(lines, 1) if begins.match(line)), 0)


def stretch_at(spec: ProcessSpec, cpu_ns: int, waits: bool) -> int:
    """Return the number of the stretch of work, counted from 1, in which a process is after ``cpu_ns`` of CPU time; 0:
    in none. ``waits``: whether the process is waiting."""
    work = spec.work or []
    round_ns = sum(part.ns for part in work if part.kind == "cpu")
    left_ns = cpu_ns % round_ns if round_ns else 0
    if cpu_ns and round_ns and left_ns == 0 and (waits or cpu_ns // round_ns >= spec.repeat):
        left_ns = round_ns
    nearest: tuple[int, int] | None = None
    for number, part in enumerate(work, 1):
        if part.kind == "cpu":
            if not waits and left_ns < part.ns:
                return number
            left_ns -= part.ns
        elif waits and (nearest is None or abs(left_ns) < nearest[0]):
            nearest = abs(left_ns), number
    return nearest[1] if nearest is not None else 0
