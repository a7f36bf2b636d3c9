"""``ossandbox policies``: what there is to schedule by, and a starting point for a policy of one's own."""

from __future__ import annotations

import argparse
import inspect
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from sandbox import policies
from sandbox.cli.exits import DONE
from sandbox.i18n import _, english, spoken
from sandbox.model.problems import BadInput
from sandbox.model.schemas import POLICY, stamped
from sandbox.policies import template
from sandbox.render.cells import wrap
from sandbox.render.output import data, say, say_document
from sandbox.util.stdin import NAME
from sandbox.wording.policies import rule_and_rest


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))
    parser.add_argument("--rules", action="store_true", help=_("print the order of events at one instant"))
    parser.add_argument("--new", metavar="FILE", help=_("write a policy to start from, for example mine.py"))
    parser.add_argument("--force", action="store_true", help=_("with --new: overwrite the file"))


def do(args: argparse.Namespace) -> int:
    """List the policies, print the rules, or write the starting point."""
    if args.new is not None:
        _write_new(args.new, args.force)
    elif args.rules:
        say(_rules())
    elif args.json:
        with english():
            say_document([stamped(POLICY, document) for document in _documents()])
    else:
        _print()
    return DONE


def _documents() -> list[dict[str, Any]]:
    """Return the JSON document of each policy."""
    documents = []
    for name in policies.names():
        kind = policies.find(name)
        rule, bad = rule_and_rest(kind.__doc__)
        documents.append(
            {
                "name": name,
                "rule": rule,
                "bad": bad,
                "ties": kind.ties,
                "parameters": [
                    {
                        "name": parameter.name,
                        "says": parameter.says,
                        "default": parameter.default,
                        "allowed": parameter.kind.range(),
                    }
                    for parameter in kind.declared()
                ],
            }
        )
    return documents


def _print() -> None:
    """Print each policy with its rule, its weakness and its parameters, wrapped to the width of a terminal."""
    width = min(shutil.get_terminal_size().columns, 110) if sys.stdout.isatty() else 10_000
    for name in policies.names():
        kind = policies.find(name)
        say(name)
        for text in rule_and_rest(kind.__doc__):
            say(*wrap(text, width, indent=" " * 4, first=" " * 4))
        for parameter in kind.declared():
            default = parameter.kind.write(parameter.kind.read(parameter.default))
            said = _("{says}; {allowed}").format(says=_(parameter.says), allowed=parameter.kind.range())
            say(*wrap(f"{parameter.name:<12}{default:<18}{said}", width, indent=" " * 36, first=" " * 6))
        say()


def order_of_an_instant() -> list[str]:
    """Return the order of events at one instant, in paragraphs."""
    from sandbox.kernel.kernel import Kernel  # rarely needed

    return [inspect.cleandoc(method.__doc__ or "") for method in (Kernel.tell, Kernel.decide)]


def _rules() -> str:
    """Return the order of events at one instant, from the kernel's docstrings."""
    ties = [f"  {name:<10} {policies.find(name).ties}" for name in policies.names()]
    heading = _("Each policy's own rule for ties ([machine] ties = … overrides it):")
    return "\n".join([*map(_, order_of_an_instant()), "", heading, *ties])


def _template() -> Path:
    """The file that explains itself in the reader's language, if there is one in it."""
    file = Path(template.__file__)
    spoken_file = file.with_stem(f"{file.stem}_{spoken()}")
    return spoken_file if spoken_file.exists() else file


def _write_new(name: str, force: bool) -> None:
    """The template under another name; its class is called after the file. Raises BadInput."""
    path = Path("mine.py" if name == NAME else name)
    class_name = "".join(word[:1].upper() + word[1:] for word in path.stem.split("_"))
    if path.suffix != ".py" or not path.stem.isidentifier() or not class_name.isidentifier():
        raise BadInput.because(name, "not a file for a policy")
    names = {"mine.py": str(path), "Mine": class_name}
    text = re.sub(r"mine\.py|\bMine\b", lambda found: names[found[0]], _template().read_text("utf-8"))
    if name == NAME:
        with data() as file:
            file.write(text)
        return
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput.because(name, "file exists") from None
    except OSError as error:
        raise BadInput.because(name, "cannot be written", reason=error.strerror) from None
    say(_("{file}: class {name}; try: ossandbox check {file}").format(file=name, name=class_name))
