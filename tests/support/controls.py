"""The table of negative controls: ``tests/faults/controls.toml``."""

from __future__ import annotations

import tomllib
from typing import Any, NamedTuple

from tests.support.changed import Change
from tests.support.run import ROOT

_TABLE = ROOT / "tests" / "faults" / "controls.toml"


class Control(NamedTuple):
    """What must make a test fail. ``row``: of the table of faults; ``test``: as pytest names it; ``without``: what is
    put out of order, in words; ``quick``: it is tried each time."""

    row: int
    test: str
    without: str
    changes: list[Change]
    quick: bool

    @classmethod
    def of(cls, table: dict[str, Any]) -> Control:
        changes = [Change(*words) for words in table["change"]]
        return cls(table["row"], f"tests/{table['test']}", table["without"], changes, table.get("quick", False))

    @property
    def function(self) -> str:
        """The name of the test's function."""
        return self.test.rpartition("::")[2].partition("[")[0]


CONTROLS = [Control.of(table) for table in tomllib.loads(_TABLE.read_text("utf-8"))["control"]]
