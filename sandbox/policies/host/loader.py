"""Loads policies from files, and checks the class before it schedules anything."""

from __future__ import annotations

import linecache
import os
import sys
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import inf
from time import thread_time
from typing import TYPE_CHECKING

from sandbox.model.spec import TIES
from sandbox.model.values import BadValue, nearest
from sandbox.policies import BUILT_IN
from sandbox.policies.base import Policy
from sandbox.policies.host.failures import failing_line, reason
from sandbox.util.paths import LeadsOut, read_below
from sandbox.util.text import clean_line

if TYPE_CHECKING:
    import ast

#: The largest policy file, in bytes.
MAX_BYTES = 1 << 20
#: Contents of files that were sent to this worker, by the names that scenarios use; the files need not exist here.
_carried: dict[str, bytes] = {}
#: The modules of files that are not executed again, and how long (in CPU time) all executions of each file took, by
#: path and content.
_lasting: dict[tuple[str, bytes], types.ModuleType] = {}
_spent_s: dict[tuple[str, bytes], float] = {}
_patience_s = [inf]


def carry(files: Mapping[str, bytes]) -> None:
    """Use these contents for these names from now on, instead of files."""
    _carried.clear()
    _carried.update(files)
    linecache.clearcache()
    for name, text in files.items():
        lines = text.decode(errors="replace").splitlines(keepends=True)
        linecache.cache[name] = (len(text), None, lines, name)


def load(name: str, folder: str) -> type[Policy]:
    """Return the class of ``file.py:Class``. The path is absolute, if the user has given it, or below ``folder``; an
    empty ``folder`` allows none, because files that a recording names are not run. The file is read and executed anew
    each time. Raises BadValue."""
    file_name, _, class_name = name.rpartition(":") if ":" in name else (name, "", "")
    shown = os.path.basename(file_name)
    text = _carried.get(file_name)
    path = os.path.join(folder, file_name) if text is None else file_name
    if text is None:
        text = _content(folder, file_name)
        linecache.checkcache(path)
    if not class_name:
        raise BadValue("which class", value=clean_line(shown), allowed=_offered(path, shown))
    module = _lasting.get((path, text)) or _run(text, path)
    if not hasattr(module, class_name):
        allowed, hint = _offered(path, shown), nearest(class_name, classes(path))
        raise BadValue("not among the classes", value=class_name, file=shown, allowed=allowed, hint=hint)
    return checked(getattr(module, class_name), name)


def _run(text: bytes, path: str) -> types.ModuleType:
    """Execute the file as a module. Raises BadValue."""
    shown = os.path.basename(path)
    module = types.ModuleType(f"policy {shown}")  # a name that no import can use
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses look it up there
    begun_s = thread_time()
    try:
        exec(_compiled(text, path), module.__dict__)
    except BaseException as error:
        line = failing_line(error, path)
        if (now := _import_now(error, path)) is not None:
            raise BadValue("module has moved", value=shown, line=line, module=_missing(error), now=now) from error
        raise _failing(shown, line, error) from error
    if _patience_s[0] < inf:
        spent_s = _spent_s[path, text] = _spent_s.get((path, text), 0.0) + thread_time() - begun_s
        if spent_s > _patience_s[0]:
            _lasting[path, text] = module
    return module


def limit_executions(patience_s: float) -> None:
    """Execute no file again whose executions have taken longer than this in all. An examination makes a thousand runs
    of one file."""
    _patience_s[:] = [patience_s]


def _content(folder: str, file_name: str) -> bytes:
    """Return the content of a policy's file. Raises BadValue."""
    shown = clean_line(file_name)
    try:
        if not os.path.isabs(file_name):
            if not folder:
                raise BadValue("file nobody named", value=shown)
            text = read_below(folder, file_name, MAX_BYTES + 1)
        else:
            if not os.path.isfile(file_name):
                raise BadValue("no such file", value=shown)
            with open(file_name, "rb") as file:
                text = file.read(MAX_BYTES + 1)
    except LeadsOut:
        raise BadValue("leads out of the scenario's folder", value=shown) from None
    except (FileNotFoundError, NotADirectoryError):
        raise BadValue("no such file", value=shown) from None
    except OSError as error:
        raise BadValue("cannot be read", reason=error.strerror) from None
    if len(text) > MAX_BYTES:
        raise _too_large()
    return text


@lru_cache(maxsize=4)
def _compiled(text: bytes, path: str) -> types.CodeType:
    """Compile a file. Cached, because an examination loads the same file a thousand times."""
    return compile(text, path, "exec")


def _offered(path: str, shown: str) -> str:
    """Return how the classes of a file can be named, for a message."""
    return clean_line(" | ".join(f"{shown}:{name}" for name in classes(path)), 200) or f"{shown}:Class"


def _missing(error: BaseException) -> str:
    """Return the name of a missing module of this package that a file imports; "" for other errors."""
    name = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    return name if name.startswith("sandbox.") else ""


def _import_now(error: BaseException, path: str) -> str | None:
    """Return the import statement that replaces the one of a missing module; None if ``sandbox.policies`` lacks a
    name."""
    if not (module := _missing(error)):
        return None
    import ast

    from sandbox.policies import __all__ as face

    with open(path, "rb") as file:
        nodes = [*ast.walk(ast.parse(file.read()))]
    for node in nodes:
        if isinstance(node, ast.Import) and module in [alias.name for alias in node.names]:
            return "import sandbox.policies"
        if isinstance(node, ast.ImportFrom) and node.module == module:
            names = [alias.name for alias in node.names]
            return f"from sandbox.policies import {', '.join(names)}" if {*names} <= {*face} else None
    return None


def classes(path: str) -> list[str]:
    """Return the names of the public classes in a file without executing it. Raises BadValue."""
    import ast  # imported only when no class is named, to keep the kernel process small

    body = _parsed(path).body
    return [node.name for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def imports(path: str) -> list[str]:
    """Return the modules that a file imports anywhere, without executing it. Raises BadValue."""
    import ast

    found: dict[str, None] = {}
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = [alias.name for alias in node.names if f"{node.module}.{alias.name}" in _BUILT_IN]
            found |= dict.fromkeys([f"{node.module}.{name}" for name in within] or [node.module])
    return [*found]


#: The modules of the built-in policies.
_BUILT_IN = frozenset(f"sandbox.policies.{name}" for name in BUILT_IN)


def _parsed(path: str) -> ast.Module:
    import ast

    shown = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadValue("cannot be read", value=shown, reason=error.strerror) from None
    if len(text) > MAX_BYTES:
        raise _too_large()
    try:
        return ast.parse(text, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _failing(shown, failing_line(error, path), error) from None


def _too_large() -> BadValue:
    return BadValue("file is too large", allowed=f"{MAX_BYTES >> 10} KiB")


def _failing(shown: str, line: int | None, error: BaseException) -> BadValue:
    """Return the error of a file that cannot be loaded. ``line``: where, if it is known."""
    if not line:
        return BadValue("file does not load", value=shown, reason=reason(error))
    return BadValue("file fails", value=shown, line=line, reason=reason(error))


def checked(item: object, name: str) -> type[Policy]:
    """Return ``item`` if it is a valid policy class. Raises BadValue."""
    if not (isinstance(item, type) and issubclass(item, Policy)):
        raise BadValue("not a policy", value=os.path.basename(name))
    if not (isinstance(item.name, str) and item.name):
        item.name = item.__name__
    item.name = clean_line(item.name, 40)
    if item.ties not in TIES:
        raise BadValue("ties of a policy", value=item.name, found=clean_line(repr(item.ties)), allowed=" | ".join(TIES))
    return item


def installed(load: Callable[[], object], name: str) -> type[Policy]:
    """Load the class of an installed package. Raises BadValue for any failure in that package."""
    try:
        item = load()
    except BaseException as error:
        raise BadValue("policy does not start", value=clean_line(name, 40), reason=reason(error)) from error
    return checked(item, name)


def started(make: Callable[[], Policy], name: str, folder: str) -> Policy:
    """Return the policy that ``make`` creates. Raises BadValue for any exception of its class."""
    try:
        return make()
    except BadValue:
        raise
    except BaseException as error:
        value, path = os.path.basename(name), os.path.join(folder, name.rpartition(":")[0])
        line = failing_line(error, path)
        rule = "policy does not start" if line is None else "file fails"
        raise BadValue(rule, value=value, line=line, reason=reason(error)) from error
