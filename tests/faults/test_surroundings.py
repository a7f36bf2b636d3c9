"""FAULTS row 45: parts of the system are missing, for root and for an ordinary user. It works, and says what it does
without."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import forbid
from tests.support.files import write_scenario
from tests.support.run import OSSANDBOX, ROOT
from tests.support.surroundings import MISSING, ORDINARY, can_be_user, can_mount, let_others_in, without

pytestmark = [
    pytest.mark.real,
    pytest.mark.patient,
    pytest.mark.usefixtures("leftcheck"),
    pytest.mark.skipif(not can_mount(), reason="not root, or this system lets us mount nothing"),
    pytest.mark.skipif(not forbid.CAN, reason="the filter is written for x86-64"),
]

_FAMILY = """
title = "family"
[machine]
quantum = "5ms"
[[process]]
name = "hog"
work = ["cpu 60ms", "io 10ms", "cpu 10ms"]
count = 2
[[process]]
name = "sh"
command = ["sh", "-c", "sleep 0.2 & sleep 0.2; wait"]
"""
every_user = pytest.mark.parametrize(
    "user",
    [
        pytest.param(None, id="root"),
        pytest.param(
            ORDINARY,
            id="ordinary",
            marks=pytest.mark.skipif(not can_be_user(), reason="not root, or nobody else may read what is to run"),
        ),
    ],
)


def json_of(missing: str, user: int | None, *words: str, status: int = 0) -> Any:
    """What a command in these surroundings says."""
    command = [*without(missing, user), *OSSANDBOX, *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=40, check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


@every_user
@pytest.mark.parametrize("missing", MISSING)
def test_f45_what_is_missing_is_done_without(tmp_path: Path, missing: str, user: int | None) -> None:
    let_others_in(tmp_path)
    document = json_of(missing, user, "run", write_scenario(tmp_path, _FAMILY))
    ended = {process["name"]: process["exit"] for process in document["processes"]}
    assert ended == {"hog-1": 0, "hog-2": 0, "sh": 0, "sleep": 0}
    assert [process["name"] for process in document["processes"]].count("sleep") == 2, "its children are found"
    assert document["faults"] == []
    if missing == "perf":
        assert document["machine"]["sensor"] != "perf"


#: What the doctor calls it. Root sees all processes whatever is hidden.
_FINDINGS = {("hidepid", ORDINARY): "/proc", ("cgroups", None): "freezer", ("perf", ORDINARY): "sensor perf"}


@pytest.mark.skipif(not can_be_user(), reason="not root, or nobody else may read what is to run")
@pytest.mark.parametrize(("missing", "user"), _FINDINGS, ids=str)
def test_f45_the_doctor_says_what_is_missing(missing: str, user: int | None) -> None:
    findings = {finding["name"]: finding for finding in json_of(missing, user, "doctor")}
    finding = findings[_FINDINGS[missing, user]]
    assert (finding["state"], bool(finding["advice"])) == ("limited", True)
    assert findings["scheduling"]["state"] == "ok"
