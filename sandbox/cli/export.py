"""``ossandbox export``: a recording for other tools."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from sandbox.cli.exits import DONE
from sandbox.cli.recordings import complain_of, opened
from sandbox.export.material import Material, gather
from sandbox.i18n import LANGUAGES, _, speaking
from sandbox.lessons.text import fill_known, lesson_text
from sandbox.model.clause import Clause
from sandbox.model.problems import BadInput, Problem
from sandbox.render.output import data
from sandbox.util.paths import new_file
from sandbox.util.stdin import NAME
from sandbox.util.text import clean
from sandbox.views.tracker import LessonTracker

if TYPE_CHECKING:
    from sandbox.trace.load import Recording

#: What it can become, and the module that writes it.
FORMATS = {
    "perfetto": "sandbox.export.perfetto",
    "csv": "sandbox.export.table",
    "svg": "sandbox.export.svg",
    "html": "sandbox.export.html.page",
    "json": "sandbox.export.document",
    "ostep": "sandbox.export.ostep",
    "cast": "sandbox.tui.cast",
    "order": "sandbox.export.order",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recording", help=_("a recording: a file written by --record, or a lesson's name"))
    parser.add_argument(
        "--to",
        required=True,
        choices=FORMATS,
        help=_(
            "perfetto: for ui.perfetto.dev; svg: a picture; html: a page that plays it in a browser; csv: a "
            "row for each interval in one state; json: the document of run --json with all events; ostep: "
            "the command that checks it with the book's simulators; order: the order of turns, as lines for "
            "a scenario; cast: the app's frames, for asciinema"
        ),
    )
    says = _("with --to svg: an animated picture, for browsers and READMEs")
    parser.add_argument("--animated", action="store_true", help=says)
    says = _("with --to html: the text of your own lesson, FILE.md; the Chinese one is FILE.zh.md")
    parser.add_argument("--lesson", metavar="FILE", help=says)
    parser.add_argument("-o", "--output", metavar="FILE", help=_("write to this file instead of standard output"))
    parser.add_argument("--force", action="store_true", help=_("overwrite the file of -o"))


def do(args: argparse.Namespace) -> int:
    """Read the recording and write it."""
    write = import_module(FORMATS[args.to]).write
    for option, given, form in (("--animated", args.animated, "svg"), ("--lesson", args.lesson is not None, "html")):
        if given and args.to != form:
            hint = Clause("belongs to another option", {"hint": f"--to {form}"})
            raise BadInput(_("options"), [Problem(0, option, hint)])
    if args.animated:
        write = partial(write, moving=True)
    with opened(args.recording) as recording:
        if args.lesson is not None:
            _put_in(recording, args.lesson)
        material = _material(recording, args.to)
        if args.output in (None, NAME):
            with data() as file:
                write(material, file)
        else:
            with _output(args.output, args.force) as file:
                write(material, file)
    complain_of(recording)
    return DONE


def _put_in(recording: Recording, path: str) -> None:
    """Put the user's lesson into the recording, which holds no lesson but a built-in one. Raises BadInput."""
    folder, name = os.path.split(os.path.abspath(path))
    recording.header.scenario = replace(recording.header.scenario, folder=folder, lesson=name)
    try:
        lesson_text(recording.header.scenario)
    except OSError as error:
        raise BadInput.because(path, "cannot be read", reason=error.strerror) from None
    except UnicodeDecodeError as error:
        raise BadInput.because(path, "is not UTF-8", byte=error.start) from None


def _material(recording: Recording, form: str) -> Material | Recording:
    """Return what the format is made from."""
    if form == "cast":
        return recording
    material = gather(recording.header, recording.events())
    return material._replace(lesson=_lesson(material)) if form == "html" else material


def _lesson(material: Material) -> dict[str, str]:
    """Return the text of the recorded lesson by language, with this run's figures; empty if its file is missing."""
    from sandbox.views.figures import figures

    scenario, story, texts = material.header.scenario, LessonTracker(), {}
    for event in material.events:
        story.add(event)
    for language in LANGUAGES:
        with speaking(language), suppress(OSError, UnicodeDecodeError):
            known = {name: figure.shown for name, figure in figures(material.history, story).items()}
            parts = clean(lesson_text(scenario, language) or "").split("\n---\n")
            texts[language] = "\n\n---\n\n".join(fill_known(part.strip(), scenario, known) for part in parts)
    return {language: text for language, text in texts.items() if text}


@contextmanager
def _output(path: str, overwrite: bool) -> Iterator[TextIO]:
    """Open a file that appears, or is replaced, once all of it was written. Raises BadInput."""
    there = os.path.exists(path)
    if there and not overwrite:
        raise BadInput.because(path, "file exists")
    try:
        if there and not os.path.isfile(path):  # devices and pipes cannot be replaced
            with open(path, "w", encoding="utf-8", newline="") as file:
                yield file
        else:
            with new_file(path, overwrite) as file:
                yield file
    except FileExistsError:  # created meanwhile
        raise BadInput.because(path, "file exists") from None
    except OSError as error:
        raise BadInput.because(path, "cannot be written", reason=error.strerror) from None
