"""``ossandbox export``: a recording for other tools."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TextIO

from sandbox.cli import run_options as shared
from sandbox.cli.exits import DONE
from sandbox.export.material import gather
from sandbox.i18n import _
from sandbox.model.events import Clause
from sandbox.model.values import BadValue
from sandbox.render.stderr import complain
from sandbox.scenario import BadInput, Problem
from sandbox.wording import recording as worded

#: What it can become, and the module that writes it.
FORMATS = {
    "perfetto": "perfetto",
    "csv": "table",
    "svg": "svg",
    "json": "document",
    "ostep": "ostep",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What an export takes."""
    parser.add_argument("recording", help=_("a file that --record has written"))
    parser.add_argument(
        "--to",
        required=True,
        choices=FORMATS,
        help=_(
            "perfetto: for ui.perfetto.dev; svg: a picture; csv: a row for each stretch of time in one state; json: "
            "the document of run --json, and every event; ostep: the command that checks it with the book's simulators"
        ),
    )
    parser.add_argument("-o", "--output", metavar="FILE", help=_("write into this file instead of standard output"))
    parser.add_argument("--force", action="store_true", help=_("overwrite the file that -o names"))


def do(options: argparse.Namespace) -> int:
    """Read the recording and write it."""
    recording = shared.recording(options.recording)
    write = import_module(f"sandbox.export.{FORMATS[options.to]}").write
    try:
        material = gather(recording.header, recording.events())
        if options.output is None:
            write(material, sys.stdout)
        else:
            with _output(options.output, options.force) as file:
                write(material, file)
    except BadValue as bad:
        raise BadInput(options.recording, shared.faults("", bad)) from None
    for problem in recording.problems:
        complain(f"{options.recording}: {worded(problem)}")
    return DONE


@contextmanager
def _output(path: str, overwrite: bool) -> Iterator[TextIO]:
    """A file that is there when all of it has been written, and is else as it was. Raises BadInput."""
    there = os.path.exists(path)
    if there and not overwrite:
        raise BadInput(path, [Problem(0, "", Clause("file exists"))])
    aside = not there or os.path.isfile(path)  # devices and pipes are written as they are
    target = f"{path}.part" if aside else path
    try:
        with open(target, "w", encoding="utf-8", newline="") as file:
            yield file
        if aside:
            os.replace(target, path)
    except OSError as error:
        raise BadInput(path, [Problem(0, "", Clause("cannot be written", {"reason": error.strerror}))]) from None
    finally:
        if aside:
            with suppress(OSError):
                os.unlink(target)
