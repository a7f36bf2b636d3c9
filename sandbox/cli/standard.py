"""``-`` as a file's name, standard input or standard output: what cannot be is said before anything is done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from sandbox.i18n import _
from sandbox.model.clause import Clause
from sandbox.model.problems import BadInput, Problem
from sandbox.util import stdin
from sandbox.util.stdin import NAME

#: The names of arguments that are files to read; those of files to write, with their options.
_READ = ("scenario", "scenarios", "recording", "file", "files", "tasks")
_WRITTEN = {"output": "-o", "record": "--record", "junit": "--junit", "new": "--new"}
#: Options that print a document.
_PRINTS = ("json", "csv", "plain", "handout", "check")


def check(args: argparse.Namespace) -> None:
    """Check that standard input and output are used once each. Raises BadInput."""
    read = [name for name in _named(args) if name == NAME]
    if len(read) > 1:
        raise BadInput.because(NAME, "standard input twice")
    if read and stdin.is_terminal():
        raise BadInput.because(NAME, "standard input is a terminal")
    written = [option for name, option in _WRITTEN.items() if getattr(args, name, None) == NAME]
    if len(written) > 1:
        raise _refusal(written[1], "standard output is taken", value=written[0])
    if written and (other := next(_also(args), None)) is not None:
        raise _refusal(written[0], "standard output is taken", value=other)
    if written == ["--record"]:
        _check_recording(args)


def _named(args: argparse.Namespace) -> Iterator[str]:
    for name in _READ:
        value = getattr(args, name, None)
        yield from [value] if isinstance(value, str) else value or ()


def _also(args: argparse.Namespace) -> Iterator[str]:
    """Yield the options that would print on standard output, too."""
    yield from (f"--{name}" for name in _PRINTS if getattr(args, name, None))


def _check_recording(args: argparse.Namespace) -> None:
    """Check that nothing but the recording goes to standard output: a run's events would, or the app's screen."""
    if hasattr(args, "quiet"):
        if not args.quiet:
            raise _refusal("--record", "standard output has the events", hint="--quiet")
    elif sys.stdout.isatty():
        raise _refusal("--record", "standard output is the terminal")


def _refusal(option: str, rule: str, **figures: str) -> BadInput:
    return BadInput(_("options"), [Problem(0, option, Clause(rule, {**figures}))])
