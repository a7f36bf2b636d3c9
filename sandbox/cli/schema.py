"""``ossandbox schema``: what the JSON documents hold."""

from __future__ import annotations

import argparse
import json

from sandbox.cli.exits import DONE
from sandbox.i18n import _
from sandbox.model.problems import BadInput
from sandbox.model.schemas import NAMES, schema
from sandbox.model.values import nearest, shown
from sandbox.render.output import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help=_("a kind of document (default: list them)"))


def do(args: argparse.Namespace) -> int:
    """Print the JSON Schema of a kind of document."""
    if args.name is None:
        for name in NAMES:
            say(f"{name:<12} {schema(name)['description']}")
        return DONE
    name = args.name.removeprefix("ossandbox/").partition("/")[0]
    if name not in NAMES:
        allowed = " | ".join(NAMES)
        hint = nearest(name, NAMES)
        raise BadInput.because(_("options"), "no such schema", value=shown(args.name), allowed=allowed, hint=hint)
    say(json.dumps(schema(name), indent=2))
    return DONE
