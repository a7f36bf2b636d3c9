"""Each fault that must be survived, a row of a table with 63, has a test of its number, which has been seen failing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from tests.support.controls import CONTROLS
from tests.support.run import ROOT

ROWS = range(1, 64)
_NAME = re.compile(r"test_f(\d\d)_\w+")


def named_by_row() -> dict[int, set[str]]:
    """The names of tests, each with its file, by the row that they name."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (named := _NAME.fullmatch(node.name)):
                found[int(named[1])].add(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def test_each_row_has_a_test_of_its_name() -> None:
    found = named_by_row()
    assert [row for row in ROWS if row not in found] == [], "rows without a test"
    assert sorted(found.keys() - set(ROWS)) == [], "no such rows"


def test_each_row_has_a_control_that_fits_the_code() -> None:
    assert {control.row for control in CONTROLS} == {*ROWS}
    found = named_by_row()
    for control in CONTROLS:
        assert control.test.partition("[")[0] in found[control.row], control.test
        assert control.without
        texts = {change.path: (ROOT / change.path).read_text("utf-8") for change in control.changes}
        for change in control.changes:
            texts[change.path] = change.made_in(texts[change.path])
        for path, text in texts.items():
            compile(text, path, "exec")
