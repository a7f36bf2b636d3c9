"""Guesses from the text which lines of a program touch nothing that others see.

A switch just before such a line is equivalent to one just after it. The guess is only used to try other orders first,
since it may be wrong: objects of the program's own classes may do anything.
"""

from __future__ import annotations

import ast
from functools import lru_cache

#: Functions whose results depend only on their arguments.
_HARMLESS = frozenset(("abs", "bool", "divmod", "enumerate", "float", "int", "len", "range", "repr", "round", "str"))
_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Pass, ast.Break, ast.Continue, ast.Return, ast.FunctionDef)
#: Statements of which only these parts are run by their first line.
_HEADS = {ast.For: ("target", "iter"), ast.While: ("test",), ast.If: ("test",)}
_TOUCHES = (ast.Attribute, ast.Subscript, ast.Await, ast.Yield, ast.YieldFrom, ast.Starred)


@lru_cache(4_096)
def is_local(path: str, line: int) -> bool:
    """Whether a line of a file touches nothing that others see."""
    return line in _lines(path)


@lru_cache(256)
def _lines(path: str) -> frozenset[int]:
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return frozenset()
    local: set[int] = set()
    others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            (local if _is_local(node) else others).add(node.lineno)
    return frozenset(local - others)


def _is_local(statement: ast.stmt) -> bool:
    heads = _HEADS.get(type(statement))
    if heads is not None:
        return all(_touches_nothing(getattr(statement, name)) for name in heads)
    if isinstance(statement, ast.FunctionDef):
        return not statement.decorator_list
    return isinstance(statement, _SIMPLE) and _touches_nothing(statement)


def _touches_nothing(part: ast.AST) -> bool:
    return not any(isinstance(node, _TOUCHES) or _calls(node) for node in ast.walk(part))


def _calls(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _HARMLESS)
