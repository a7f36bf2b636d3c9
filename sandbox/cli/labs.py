"""``ossandbox labs``: ready assignments, and what students get of one."""

from __future__ import annotations

import argparse
import os

from sandbox.analysis.grading import labs
from sandbox.analysis.grading.reader import read
from sandbox.cli.exits import DONE
from sandbox.cli.run_options import SEED, Given
from sandbox.i18n import _
from sandbox.model.problems import BadInput
from sandbox.model.schemas import LAB, stamped
from sandbox.render.output import say, say_document
from sandbox.render.tables import print_table
from sandbox.util.stdin import NAME


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help=_("an assignment (default: list them)"))
    parser.add_argument("--new", metavar="FOLDER", help=_("write the files for students to this new folder"))
    parser.add_argument(
        "--seed", metavar="N", help=_("with --new: the seed of its workloads (students who know it can see them)")
    )
    parser.add_argument("--json", action="store_true", help=_("as JSON"))


def do(args: argparse.Namespace) -> int:
    """List the assignments, print the handout of one, or write one for students."""
    given = Given(args)
    seed = given.value("seed", SEED)
    if args.name is None:
        for option in ("new", "seed"):
            if getattr(args, option) is not None:
                given.add(f"--{option}", "belongs to another option", hint="NAME")
    elif args.seed is not None and args.new is None:
        given.add("--seed", "belongs to another option", hint="--new")
    given.check()
    if args.name is None:
        _list(args.json)
        return DONE
    if args.new is None:
        _show(args.name)
        return DONE
    if args.new == NAME:
        raise BadInput.because(args.new, "no folder in a stream")
    try:
        files = labs.write(args.name, args.new, seed)
    except OSError as error:
        raise BadInput.because(args.new, "cannot be written", reason=error.strerror) from None
    for file in files:
        say(os.path.join(args.new, file))
    return DONE


def _list(as_json: bool) -> None:
    found = [(name, labs.title(name), read(str(labs.folder(name) / labs.TASKS))) for name in labs.names()]
    if as_json:
        documents = [
            {"name": name, "title": title, "points": tasks.points, "tasks": [task.spec.name for task in tasks.tasks]}
            for name, title, tasks in found
        ]
        say_document([stamped(LAB, document) for document in documents])
        return
    rows = [[name, title, str(len(tasks.tasks)), str(tasks.points)] for name, title, tasks in found]
    print_table([_("name"), _("title"), _("tasks"), _("points")], rows, left={0, 1})


def _show(name: str) -> None:
    from sandbox.i18n import spoken

    say((labs.folder(name) / labs.handout(spoken())).read_text("utf-8").rstrip())
