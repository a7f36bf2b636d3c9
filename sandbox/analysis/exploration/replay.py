"""Writes a scenario that replays an order of turns: the explored one, with the policy ``scripted``, and the files that
its programs need."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from sandbox.model.problems import BadInput, Problems
from sandbox.scenario.reader import parse
from sandbox.util import toml
from sandbox.util.paths import LeadsOut, is_below, new_file, read_below

#: Tables that belong to the lesson, and are not copied.
_LEFT_OUT = ("lesson", "concepts", "step", "whatif")
#: Settings of the machine that are replaced. A turn of the order is one step, whatever the quantum was.
_REPLACED = ("policy", "parameters", "quantum", "slice")
#: The maximum size of a file that is copied because a program names it, and the maximum number of files.
_MAX_FILE, _MAX_FILES = 1 << 20, 200


def write(scenario: Path, order: Sequence[str], target: Path, overwrite: bool, step: str) -> list[Path]:
    """Write the scenario that replays the order, with the files that it needs, and return all files that were written.

    Raises BadInput, before anything is written if another file would be overwritten. ``step``: what a turn is.
    """
    tables = tables_of(scenario, order, step)
    files: dict[Path, bytes] = {target: text_of(tables, order).encode()}
    if target.parent.resolve() != scenario.parent.resolve():
        programs = [process["python"].rpartition(":")[0] or process["python"] for process in _processes(tables)]
        for name, content in needed(scenario.parent, programs):
            files[target.parent / name] = content
    for path, content in files.items():
        if path.exists() and not overwrite and not _same(path, content):
            raise BadInput.because(str(path), "file exists")
    for path, content in files.items():
        _write(path, content, overwrite or path.exists())
    return [*files]


def tables_of(scenario: Path, order: Sequence[str], step: str) -> dict[str, Any]:
    """Return the scenario with the order in it. Raises BadInput."""
    problems = Problems()
    tables = parse(scenario, problems)
    if tables is None:
        raise BadInput(str(scenario), problems.found)
    kept = {name: value for name, value in tables.items() if name not in _LEFT_OUT}
    machine = {name: value for name, value in kept.pop("machine", {}).items() if name not in _REPLACED}
    machine |= {"slice": step, "policy": "scripted", "parameters": {"order": [*order]}}
    head = {name: kept.pop(name) for name in [*kept] if not isinstance(kept[name], (dict, list)) or name == "claims"}
    return {**head, "machine": machine, **kept}


def text_of(tables: dict[str, Any], order: Sequence[str]) -> str:
    """Return the scenario as the text of a file."""
    return "# " + _first_line(order) + "\n\n" + toml.dumps(tables)


def _first_line(order: Sequence[str]) -> str:
    return f"{len(order)} turns in the order that was found; see: ossandbox run, ossandbox"


def _processes(tables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (process for process in tables.get("process", ()) if "python" in process)


def needed(folder: Path, programs: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the programs, the modules next to them that they import, and the files next to them that they name, each
    with its content."""
    todo, seen = [*programs], set(programs)
    for _ in range(_MAX_FILES):
        if not todo:
            return
        name = todo.pop()
        try:
            content = read_below(str(folder), name, _MAX_FILE)
        except (OSError, LeadsOut):
            continue
        if len(content) == _MAX_FILE:
            continue
        yield name, content
        if name.endswith(".py"):
            with suppress(SyntaxError, ValueError, RecursionError):
                found = [each for each in _named(ast.parse(content), PurePath(name).parent) if each not in seen]
                todo += [each for each in dict.fromkeys(found) if _is_there(folder, each)]
                seen.update(found)


def _named(tree: ast.AST, folder: PurePath) -> Iterator[str]:
    """Yield the names of files that a program may mean."""
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
            yield str(folder / node.value)
        for module in modules:
            path = module.replace(".", "/")
            yield from (str(folder / f"{path}.py"), str(folder / path / "__init__.py"))


def _is_there(folder: Path, name: str) -> bool:
    with suppress(LeadsOut, ValueError):
        return is_below(str(folder), name)
    return False


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _write(path: Path, content: bytes, overwrite: bool) -> None:
    if _same(path, content):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(str(path), overwrite) as file:
            file.buffer.write(content)
    except OSError as error:
        raise BadInput.because(str(path), "cannot be written", reason=error.strerror) from None
