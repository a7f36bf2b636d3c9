"""Brings the catalogues of ``sandbox.language`` up to date with the code: ``make messages``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from sandbox.language import LANGUAGES, catalogue_file

SOURCE = Path(__file__).parent.parent / "sandbox"
#: What Babel is told of each message: the line, the function, the message or both its forms, comments.
Found = tuple[int, str, str | tuple[str, str], list[str]]


def extract(file: IO[bytes], *_: object, **__: object) -> Iterator[Found]:
    """The messages of a Python file, as Babel asks for them: what ``_``, ``N_`` and ``ngettext`` are called with, tables
    of Messages, and the words of actions."""
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(func=ast.Name("_" | "N_"), args=[ast.Constant(str(text))]):
                yield node.lineno, "_", text, []
            case ast.Call(func=ast.Name("ngettext"), args=[ast.Constant(str(one)), ast.Constant(str(many)), __]):
                yield node.lineno, "ngettext", (one, many), []
            case ast.AnnAssign(annotation=ast.Name("Messages"), value=ast.Dict(values=values)):
                yield from _constants(values)
            case ast.Call(func=ast.Name("Action"), args=[_id, _keys, *words]):
                yield from _constants(words[:3])


def _constants(nodes: list[ast.expr]) -> Iterator[Found]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.lineno, "_", node.value, []


def template() -> Catalog:
    """All messages of the code."""
    found = Catalog(project="ossandbox", charset="utf-8")
    keywords = {"_": None, "ngettext": (1, 2)}
    for file, line, message, *_ in extract_from_dir(SOURCE, [("**.py", "tests.messages:extract")], keywords=keywords):
        found.add(message, locations=[(file, line)])
    return found


def catalogue(language: str) -> Catalog:
    """The catalogue of a language, as it is."""
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Put in what is missing, with what is most alike as a guess to be looked at, and take out what is stale."""
    for language in LANGUAGES[1:]:
        present = catalogue(language)
        present.update(template(), update_creation_date=False)
        present.obsolete.clear()
        with catalogue_file(language).open("wb") as file:
            write_po(file, present, width=120, sort_by_file=True, include_lineno=False)


if __name__ == "__main__":
    update()
