"""A result of many processes: a table that takes seconds, and what it comes to by name."""

from __future__ import annotations

import pytest

from sandbox.model.retirement import KEPT
from sandbox.render import tables
from sandbox.render.result import print_result
from sandbox.views.metrics import fold, result
from tests.pure.test_retirement import churn


def test_a_run_of_thousands_is_summed_up_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    document = result(fold(churn(6_000, KEPT)))
    print_result(document)
    printed = capsys.readouterr().out
    at = printed.index("by name")
    lines = {line.split()[0]: line.split()[1:3] for line in printed[at:].splitlines()[1:5]}
    assert lines == {"shell": ["1", "0"], "p0": ["2000", "1000"], "p1": ["2000", "1000"], "p2": ["2000", "1000"]}
    gone = document["retired"]["processes"]
    assert gone >= 6_000 - KEPT - KEPT // 4
    assert f"{gone} processes that ended long ago are in these sums only" in printed


def test_a_long_table_says_the_same_as_a_short_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["1", "ä漢 字", "2.5"], ["22", "b", "100.0"], ["3", "[bold]c", "-"]]
    printed = []
    for most in (0, 100):
        monkeypatch.setattr(tables, "_MAX_STYLED", most)
        tables.print_table(["pid", "name", "cpu"], rows, left={1})
        printed.append([line.rstrip() for line in capsys.readouterr().out.splitlines()])
    assert printed[0] == printed[1]


def test_a_few_processes_need_no_sums(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result(fold(churn(20))))
    assert "by name" not in capsys.readouterr().out
