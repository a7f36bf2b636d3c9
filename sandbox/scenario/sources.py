"""What a process runs, as text that one can read: its file, its script, the stretches of its work."""

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

#: Of a longer file only the beginning is shown.
MAX_BYTES = 1 << 18
_TAB = 4
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Options after which code stands in the command line itself.
_CODE = ("-c", "-e")
_INTERPRETERS = re.compile(r"(python|perl|ruby|node|lua|(ba|da|z|k)?sh)[\d.]*|env")


class Source(NamedTuple):
    """``name``: what it is called; ``first``: the line that begins it (0: none in particular). ``missing``: why there
    are no lines."""

    name: str
    lines: tuple[str, ...] = ()
    first: int = 0
    missing: Clause | None = None


def source_of(spec: ProcessSpec, folder: str) -> Source:
    """The program of a process whose scenario is in this folder."""
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
    """A file that a run has named; those outside the scenario's folder are nobody's business."""
    here = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(here, file.replace("\0", "")))
    if path != here and not path.startswith(os.path.join(here, "")):
        return Source(clean_line(file), missing=Clause("not beside the scenario"))
    return source_in(path, file)


def source_in(path: str, name: str) -> Source:
    """The lines of a text file, each harmless, so numbered as Python numbers them."""
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
    """Somebody's text as harmless lines without tabs."""
    lines = [without_controls(line.expandtabs(_TAB)) for line in _LINE_END.split(text.removeprefix("\ufeff"))]
    return tuple(lines[:-1] if lines and not lines[-1] else lines)


def _of_command(command: list[str], folder: str) -> Source:
    """The code in the command line, or the first word of it that is a text file, if that may be a program."""
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
    """The line in which a function is defined, counted from 1; 0: none."""
    if not function:
        return 0
    begins = re.compile(rf"\s*(async\s+)?def\s+{re.escape(function)}\b|{re.escape(function)}\s*=")
    return next((number for number, line in enumerate(lines, 1) if begins.match(line)), 0)


def stretch_at(spec: ProcessSpec, cpu_ns: int, waits: bool) -> int:
    """In which stretch of its work a process is that has used so much CPU time, counted from 1; 0: in none."""
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
