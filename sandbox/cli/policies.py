"""``ossandbox policies``: what there is to schedule by, and a starting point for a policy of one's own."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from sandbox.cli.exits import DONE
from sandbox.i18n import _, english
from sandbox.model.events import Clause
from sandbox.policies import template
from sandbox.render import listings
from sandbox.scenario import BadInput, Problem


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the list takes."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))
    parser.add_argument("--rules", action="store_true", help=_("print the order of things at one instant"))
    parser.add_argument("--new", metavar="FILE", help=_("write a policy to start from, for example mine.py"))
    parser.add_argument("--force", action="store_true", help=_("with --new: overwrite the file"))


def do(options: argparse.Namespace) -> int:
    """List the policies, print the rules, or write the starting point."""
    if options.new is not None:
        _write_new(options.new, options.force)
    elif options.rules:
        print(listings.rules())
    elif options.json:
        with english():
            print(json.dumps(listings.policy_documents()))
    else:
        listings.print_policies()
    return DONE


def _write_new(name: str, force: bool) -> None:
    """The template under another name; its class is called after the file. Raises BadInput."""
    path = Path(name)
    class_name = "".join(word[:1].upper() + word[1:] for word in path.stem.split("_"))
    if path.suffix != ".py" or not path.stem.isidentifier() or not class_name.isidentifier():
        raise _refused(name, Clause("not a file for a policy"))
    names = {"mine.py": name, "Mine": class_name}
    text = re.sub(r"mine\.py|\bMine\b", lambda found: names[found[0]], Path(template.__file__).read_text("utf-8"))
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _refused(name, Clause("file exists")) from None
    except OSError as error:
        raise _refused(name, Clause("cannot be written", {"reason": error.strerror})) from None
    print(_("{file}: class {name}; try: ossandbox check {file}").format(file=name, name=class_name))


def _refused(name: str, what: Clause) -> BadInput:
    return BadInput(name, [Problem(0, "", what)])
