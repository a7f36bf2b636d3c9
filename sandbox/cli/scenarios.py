"""``ossandbox scenarios``: what is built in."""

from __future__ import annotations

import argparse

from sandbox.cli.exits import DONE
from sandbox.i18n import _
from sandbox.lessons.text import title
from sandbox.model.schemas import SCENARIO, stamped
from sandbox.render.output import say_document
from sandbox.render.tables import print_table
from sandbox.scenario import built_in
from sandbox.scenario.headlines import headline


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))


def do(args: argparse.Namespace) -> int:
    """List the scenarios."""
    scenarios = [headline(path) for path in built_in()]
    if args.json:
        say_document([stamped(SCENARIO, {"name": scenario.name, "title": scenario.title}) for scenario in scenarios])
    else:
        print_table([_("name"), _("title")], [[scenario.name, title(scenario)] for scenario in scenarios], left={0, 1})
    return DONE
