"""``ossandbox lessons``: the course."""

from __future__ import annotations

import argparse
from typing import Any

from sandbox.cli.exits import DONE
from sandbox.i18n import _
from sandbox.lessons.course import CONCEPTS, finished, lessons
from sandbox.lessons.text import title
from sandbox.model.schemas import LESSON, stamped
from sandbox.render.output import say_document
from sandbox.render.tables import print_table
from sandbox.scenario.headlines import Headline
from sandbox.wording.templates import listed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))


def do(args: argparse.Namespace) -> int:
    """List the lessons in the order of the course."""
    course, done = lessons(), finished()
    if args.json:
        say_document([_document(each, each.name in done) for each in course])
        return DONE
    rows = [
        [
            f"{'✔' if each.name in done else ' '} {number:>2}",
            each.name,
            title(each),
            listed(_(CONCEPTS[concept]) for concept in each.concepts),
        ]
        for number, each in enumerate(course, 1)
    ]
    print_table(["", _("name"), _("title"), _("concepts")], rows, left={1, 2, 3})
    return DONE


def _document(lesson: Headline, done: bool) -> dict[str, Any]:
    """Return the JSON document of a lesson."""
    return stamped(LESSON, {"name": lesson.name, "title": lesson.title, "concepts": lesson.concepts, "finished": done})
