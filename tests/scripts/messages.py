"""Brings the catalogues of ``sandbox.i18n`` up to date with the code: ``make messages``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from sandbox import policies
from sandbox.analysis.grading import labs
from sandbox.analysis.grading.reader import read
from sandbox.cli.policies import order_of_an_instant
from sandbox.i18n import LANGUAGES, catalogue_file
from sandbox.wording.policies import rule_and_rest

SOURCE = Path(__file__).parents[2] / "sandbox"
#: What gettext must know of a catalogue.
_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""
#: What Babel is told of each message: the line, the function, the message or both its forms, comments.
Found = tuple[int, str, str | tuple[str, str], list[str]]


def extract(file: IO[bytes], *_: object, **__: object) -> Iterator[Found]:
    """The messages of a Python file, as Babel asks for them: what ``_``, ``N_`` and ``ngettext`` are called with, tables
    of Messages, and the words of actions and parameters."""
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(func=ast.Name("_" | "N_"), args=[ast.Constant(str(text))]):
                yield node.lineno, "_", text, []
            case ast.Call(func=ast.Name("ngettext"), args=[ast.Constant(str(one)), ast.Constant(str(many)), _number]):
                yield node.lineno, "ngettext", (one, many), []
            case ast.AnnAssign(annotation=ast.Name("Messages"), value=ast.Dict(values=texts)):
                yield from _constants(texts)
            case ast.Call(func=ast.Name("Parameter"), args=[_kind, _default, ast.Constant(str(text))]):
                yield node.lineno, "_", text, []
            case ast.Call(func=ast.Name("Action"), args=[_id, _keys, _does, *words]):
                yield from _constants(words[:3])


def _constants(nodes: list[ast.expr]) -> Iterator[Found]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.lineno, "_", node.value, []


def template() -> Catalog:
    """All messages of the code, and what it says of itself: docstrings that are shown."""
    found = Catalog(project="ossandbox", charset="utf-8")
    keywords = {"_": None, "ngettext": (1, 2)}
    for file, line, message, *_ in extract_from_dir(
        SOURCE, [("**.py", "tests.scripts.messages:extract")], keywords=keywords
    ):
        found.add(message, locations=[(file, line)])
    for message in order_of_an_instant():
        found.add(message, locations=[("kernel/kernel.py", 0)])
    for name in labs.names():
        assignment = read(str(labs.folder(name) / labs.TASKS))
        for message in (assignment.spec.title, *(task.spec.name for task in assignment.tasks)):
            found.add(message, locations=[(f"labs/{name}", 0)])
    for name in policies.names():
        kind = policies.find(name)
        for message in filter(None, rule_and_rest(kind.__doc__)):
            found.add(message, locations=[(f"{kind.__module__.replace('.', '/').removeprefix('sandbox/')}.py", 0)])
    return found


def catalogue(language: str) -> Catalog:
    """The catalogue of a language, as it is."""
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


def write(catalogue: Catalog) -> None:
    """Keep a catalogue; nothing stands in it that changes without a message having changed: no dates, no line numbers."""
    with catalogue_file(str(catalogue.locale)).open("wb") as file:
        header = _HEADER.format(language=catalogue.locale, plurals=catalogue.plural_forms)
        file.write(header.encode())
        write_po(file, catalogue, width=120, sort_by_file=True, include_lineno=False, omit_header=True)


def update() -> None:
    """Put in what is missing, with what is most alike as a guess to be looked at, and take out what is stale."""
    for language in LANGUAGES[1:]:
        present = catalogue(language)
        present.update(template())
        present.obsolete.clear()
        write(present)


if __name__ == "__main__":
    update()
