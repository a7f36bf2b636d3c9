"""What a command has to say beside its results: on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from textwrap import indent

from sandbox import wording
from sandbox.model.problems import BadInput
from sandbox.render.output import say_aside


def complain(text: str) -> None:
    """A message on stderr."""
    say_aside(f"ossandbox: {text}")


def quote(text: str) -> None:
    """Somebody else's lines on stderr, indented."""
    say_aside(indent(text.rstrip(), "    "))


def abandon_stdout() -> None:
    """Let stdout lead nowhere, because its reader is gone: what is buffered would fail at exit."""
    with suppress(OSError, ValueError):  # without a descriptor left, or such a device, it is as it is
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_problems(bad: BadInput) -> None:
    """Every problem of a file on stderr."""
    for line in problem_lines(bad):
        say_aside(line)


def problem_lines(bad: BadInput) -> Iterator[str]:
    """Every problem of a file on one line: file, line, place, what is wrong and what is allowed."""
    for problem in bad.problems:
        line = f":{problem.line}" if problem.line else ""
        place = f" {problem.place}:" if problem.place else ""
        yield f"{bad.file}{line}:{place} {wording.problem(problem.what)}"
