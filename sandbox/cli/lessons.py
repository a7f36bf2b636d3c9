"""``ossandbox lessons``: the course."""

from __future__ import annotations

import argparse
import json

from sandbox import wording
from sandbox.exits import DONE
from sandbox.language import _
from sandbox.lessons.course import CONCEPTS, lessons
from sandbox.lessons.text import title
from sandbox.report import print_table


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the list takes."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))


def do(options: argparse.Namespace) -> int:
    """List the lessons in the order of the course."""
    course = lessons()
    if options.json:
        print(json.dumps([{"name": each.name, "title": each.title, "concepts": each.concepts} for each in course]))
        return DONE
    rows = [
        [str(number), each.name, title(each), wording.listed(_(CONCEPTS[concept]) for concept in each.concepts)]
        for number, each in enumerate(course, 1)
    ]
    print_table(["", _("name"), _("title"), _("concepts")], rows, left={1, 2, 3})
    return DONE
