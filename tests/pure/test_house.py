"""What keeps the house one that can be walked through: modules about one thing, functions in view, few exceptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import sandbox

ROOT = Path(sandbox.__file__).parent
MAX_MODULE, MAX_FUNCTION, MAX_SILENCED = 450, 50, 15
#: A silenced complaint, and what is said beside it.
TYPE = re.compile(r"# type: ignore\[[^\]]+\](?P<reason>.*)")
LINT = re.compile(r"# noqa: [A-Z0-9, ]+(?P<reason>.*)")
#: Private names of the standard library, Textual and Rich may be used there; in a program's own interpreter nothing of
#: ours can be imported.
MARKED = ("util/interpreter.py", "tui/compat.py", "programs/thread_locks.py", "programs/process_locks.py")
PRIVATE = re.compile(
    r"(?<![.\w])(?:threading|atexit|argparse|multiprocessing|synchronize|_ctypes|_thread)\._[a-z]|from (?:textual|rich)[.\w]*\._"
)


@cache
def sources() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}


def functions(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_module_lies_loose() -> None:
    assert {name for name in sources() if "/" not in name} == {"__init__.py", "__main__.py"}


def test_modules_and_functions_can_be_overlooked() -> None:
    assert {name: lines for name, text in sources().items() if (lines := text.count("\n")) > MAX_MODULE} == {}
    long = [text for text in sources().values() if text.count("\n") > MAX_FUNCTION]
    assert [found for text in long for found in functions(text) if found[1] > MAX_FUNCTION] == []


def test_what_is_silenced_is_rare_and_has_its_reason() -> None:
    for what in (TYPE, LINT):
        found = [(name, match) for name, text in sources().items() for match in what.finditer(text)]
        assert [name for name, match in found if not match["reason"].strip(" -#")] == []
        assert len(found) < MAX_SILENCED, [name for name, _ in found]


def test_private_parts_of_libraries_are_used_in_marked_files() -> None:
    found = [
        f"{name}: {line.strip()}"
        for name, text in sources().items()
        if name not in MARKED
        for line in text.splitlines()
        if PRIVATE.search(line) and not line.lstrip().startswith(("#", '"', "``"))
    ]
    assert found == []


def test_the_kernel_is_composed() -> None:
    classes = {
        node.name: [ast.unparse(base) for base in node.bases]
        for name, text in sources().items()
        if name.startswith("kernel/")
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
    }
    assert [name for name, bases in classes.items() if not classes.keys().isdisjoint(bases)] == []
