"""``ossandbox lessons``: the course."""

from __future__ import annotations

import argparse
import json

from sandbox.exits import DONE
from sandbox.language import spoken
from sandbox.lessons.course import CONCEPTS, lessons
from sandbox.lessons.text import lesson_text, title
from sandbox.report import print_table
from sandbox.spec import Scenario


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the list takes."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def do(options: argparse.Namespace) -> int:
    """List the lessons in the order of the course."""
    course = [(lesson.name, _title(lesson, spoken()), lesson.concepts) for lesson in lessons()]
    if options.json:
        print(json.dumps([{"name": name, "title": said, "concepts": concepts} for name, said, concepts in course]))
        return DONE
    rows = [
        [str(number), name, said, ", ".join(CONCEPTS[concept] for concept in concepts)]
        for number, (name, said, concepts) in enumerate(course, 1)
    ]
    print_table(["", "name", "title", "concepts"], rows, left={1, 2, 3})
    return DONE


def _title(lesson: Scenario, language: str) -> str:
    """The scenario's own; in another language the heading of its text."""
    said = title(lesson_text(lesson, language) or "") if language != "en" else None
    return said or lesson.title
