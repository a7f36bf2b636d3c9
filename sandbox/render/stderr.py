"""Messages of commands on stderr, in addition to their results on stdout."""

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
    """Print a message on stderr, preceded by the program's name."""
    say_aside(f"ossandbox: {text}")


def quote(text: str) -> None:
    """Print foreign text on stderr, indented."""
    say_aside(indent(text.rstrip(), "    "))


def abandon_stdout() -> None:
    """Redirect stdout to /dev/null, because its reader is gone and flushing buffered text at exit would fail."""
    with suppress(OSError, ValueError):  # no descriptor left, no such device, or stdout is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_problems(bad: BadInput) -> None:
    """Print every problem of a file on stderr."""
    for line in problem_lines(bad):
        say_aside(line)


def problem_lines(bad: BadInput) -> Iterator[str]:
    """Yield a line for every problem of a file: file, line, place, what is wrong and what is allowed."""
    for problem in bad.problems:
        line = f":{problem.line}" if problem.line else ""
        place = f" {problem.place}:" if problem.place else ""
        yield f"{bad.file}{line}:{place} {wording.problem(problem.what)}"
