"""Marks: what is asked of a tasks file, what the reports are, and what becomes of who tries more than to decide."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from sandbox.analysis.grading import formats, labs, report
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.judge import Judge
from sandbox.analysis.grading.marks import Graded, Mark
from sandbox.analysis.grading.reader import read
from sandbox.analysis.grading.run import Submission
from sandbox.cli import grade as command
from sandbox.model.events import Clause
from sandbox.model.schemas import GRADE, schema
from tests.support.commands import CommandRunner
from tests.support.dask import running
from tests.support.labs import ROUND_ROBIN
from tests.support.leaks import LeftCheck
from tests.support.marking import AtHome, smaller

TASKS = """\
title = "t"
file = "mine.py"
class_name = "Mine"
workloads = 2
imports = []
[[task]]
name = "laws"
points = 10
law = ["lawful values", "nothing lost"]
partial = true
[[task]]
points = 30
like = "rr"
"""


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number", "minimum": 0}, {"type": "integer", "minimum": 0}
_VISIBLE = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
#: What the course platforms read.
GRADESCOPE = _object(
    score=_NUMBER,
    output=_TEXT,
    visibility=_VISIBLE,
    stdout_visibility=_VISIBLE,
    execution_time=_NUMBER,
    leaderboard={"type": "array"},
    tests={
        "type": "array",
        "items": _object(
            name=_TEXT,
            score=_NUMBER,
            max_score=_NUMBER,
            status={"enum": ["passed", "failed"]},
            output=_TEXT,
            visibility=_VISIBLE,
        ),
    },
)
_TEST = {"test-name": _TEXT, "passed": {"type": "boolean"}, "score": _WHOLE, "max-score": _WHOLE}
CLASSROOM50 = _object(
    **{
        "schema": {"const": "classroom50/result/v1"},
        "score": _WHOLE,
        "max-score": _WHOLE,
        "tests": {"type": "array", "minItems": 1, "items": _object(**_TEST)},
    }
)


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    path = tmp_path / "TASKS.toml"
    path.write_text(TASKS)
    return read(str(path))


@pytest.fixture
def everyone(tmp_path: Path, assignment: Assignment) -> list[Graded]:
    """One of each kind, judged in this process."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(ROUND_ROBIN.replace("return self.quantum", "return None"))
    small = smaller(assignment, 10)
    found = []
    for name, file in (("right", "rr"), ("wrong", str(wrong))):
        judge = Judge(small, AtHome(file, small))
        found.append(Graded(name, file, "graded", [judge.mark(task) for task in assignment.tasks], seconds=1.5))
    found[1].tried = [Clause("imports", {"module": "os"}), Clause("reads a file", {"path": "/etc/passwd"})]
    bad = Clause("file fails", {"value": "bad.py", "line": 1, "reason": "SyntaxError"})
    nothing = [Mark(0.0), Mark(0.0)]
    found.append(Graded("=cmd()", "bad.py", "unusable", nothing, fault=[bad]))
    found.append(Graded("gone", "gone.py", "missing", nothing, late_days=2))
    return found


def test_every_fault_of_a_tasks_file_is_told_at_once(ossandbox: CommandRunner, tmp_path: Path) -> None:
    path = tmp_path / "TASKS.toml"
    path.write_text(
        'titel = "x"\ndue = "tomorrow"\n'
        '[[task]]\npoints = 0\nlaw = ["nothing lots"]\n'
        '[[task]]\nlike = "rrr"\nlaw = "never idle"\npoints = 5\n'
        '[[task]]\npoints = 5\nclaim = "respnse < 1s"\nworkload = "batsch"\nscenario = "convoy"\n'
        '[[task]]\npoints = 5\nclaim = "response < 1s"\nscenario = "convoj.toml"\n'
        '[[task]]\npoints = 5\nseeds = "3..1"\n'
    )
    done = ossandbox("grade", str(path), "rr")
    assert (done.status, done.out) == (2, "")
    for said in (
        ":1: titel: there is no key titel",
        "Did you mean title?",
        ":2: due: 'tomorrow' is no date with a time",
        ":4: task[1].points: 0 is out of range; allowed: 1",
        "Did you mean nothing lost?",
        "Did you mean rr?",
        "says law + like; give exactly one of: law | like | claim",
        "Did you mean batch?",
        "task[4].scenario",
        "task[5]: says nothing to judge by",
        "task[5].seeds",
    ):
        assert said in done.err, said


MAKES = """\
from contextlib import suppress
from pathlib import Path
with suppress(OSError):
    Path({trace!r}).touch()
from sandbox.policies import Policy
class Mine(Policy):
    pass
"""


def test_policies_and_scenarios_that_tasks_name_lie_beside_them(ossandbox: CommandRunner, tmp_path: Path) -> None:
    """And no policy is run where it could do harm, not even to see whether there is one."""
    folder, trace = tmp_path / "handed-out", tmp_path / "it ran"
    folder.mkdir()
    for name in ("out.py", "handed-out/mine.py"):
        (tmp_path / name).write_text(MAKES.format(trace=str(trace)))
    (tmp_path / "out.toml").write_text('[[process]]\nname = "a"\nwork = ["cpu 10ms"]\n')
    (folder / "link.py").symlink_to("../out.py")
    policies = ["../out.py:Mine", f"{tmp_path}/out.py:Mine", "link.py:Mine", "mine.py:Nobody", "mine.py:Mine:x=1"]
    (folder / "TASKS.toml").write_text(
        "".join(f'[[task]]\npoints = 1\nlike = "{policy}"\n' for policy in policies)
        + '[[task]]\npoints = 1\nclaim = "response < 1s"\nscenario = "../out.toml"\n'
    )
    done = ossandbox("grade", str(folder / "TASKS.toml"), "rr")
    lines = done.err.splitlines()
    assert (done.status, len(lines)) == (2, 6), done.err
    assert sum("leads out of" in line for line in lines) == 4
    assert "task[4].like: there is no class Nobody" in done.err
    assert "task[5].like: Mine has no parameter x" in done.err
    assert not trace.exists() or sys.platform != "linux", "a teacher's own policies are isolated where that can be"


@pytest.mark.parametrize(
    "text", ["", "title = 1\n", "[[task]]\n", "[task]\n", "\0", "[[task]]\npoints = 1\nlike = 'no.py:X'\n"]
)
def test_a_file_without_tasks_is_no_pass(ossandbox: CommandRunner, tmp_path: Path, text: str) -> None:
    path = tmp_path / "TASKS.toml"
    path.write_text(text)
    done = ossandbox("grade", str(path), "rr")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(str(path))


def test_what_is_no_submission_is_told(ossandbox: CommandRunner, tmp_path: Path) -> None:
    path = tmp_path / "TASKS.toml"
    path.write_text(TASKS.replace('file = "mine.py"\n', ""))
    (tmp_path / "empty").mkdir()
    assert "Did you mean rr?" in ossandbox("grade", str(path), "rrr").err
    assert "holds no submission" in ossandbox("grade", str(path), str(tmp_path / "empty")).err
    assert "-o FOLDER" in ossandbox("grade", str(path), "rr", "fcfs", "--to", "gradescope").err
    assert ossandbox("grade", str(path), "rr", "--on", "nowhere").status == 2


def test_submissions_have_the_names_of_their_students(tmp_path: Path, assignment: Assignment) -> None:
    for name in ("alice", "bob", "carol"):
        (tmp_path / "all" / name).mkdir(parents=True)
    for name in ("alice", "bob"):
        (tmp_path / "all" / name / "mine.py").write_text("")
    (tmp_path / "all" / "dave.py").write_text("")
    assignment.spec.due = time.time() - 1.5 * 86_400
    os.utime(tmp_path / "all" / "dave.py", (0, 0))
    found = {each.name: each for each in command._submissions([str(tmp_path / "all")], assignment)}
    assert {name: each.is_there for name, each in found.items()} == {
        "alice": True,
        "bob": True,
        "carol": False,
        "dave": True,
    }
    assert (found["alice"].late_days, found["dave"].late_days) == (2, 0)
    files = [str(tmp_path / "all" / name / "mine.py") for name in ("alice", "bob")]
    each = command._told_apart([*command._submissions(files, assignment)], "mine.py")
    assert [submission.name for submission in each] == ["alice", "bob"]


def test_course_platforms_can_read_what_they_get(everyone: list[Graded], assignment: Assignment) -> None:
    assignment.spec.late = 10
    for graded in everyone:
        Draft202012Validator(GRADESCOPE).validate(formats.gradescope(graded, assignment))
        Draft202012Validator(CLASSROOM50).validate(formats.classroom50(graded, assignment))
        Draft202012Validator(schema(GRADE)).validate(formats.document(graded, assignment))
    right, wrong, *_ = everyone
    assert formats.gradescope(right, assignment)["score"] == formats.classroom50(right, assignment)["score"] == 40
    assert [test["status"] for test in formats.gradescope(wrong, assignment)["tests"]] == ["passed", "failed"]


def test_the_other_reports_say_the_same(everyone: list[Graded], assignment: Assignment) -> None:
    rows = [*csv.DictReader(io.StringIO(formats.as_csv(everyone, assignment)))]
    assert [(row["student"], row["points"], row["status"]) for row in rows] == [
        ("right", "40", "graded"),
        ("wrong", "10", "graded"),
        ("'=cmd()", "0", "unusable"),
        ("gone", "0", "missing"),
    ]
    root = ET.fromstring(formats.as_junit(everyone, assignment))  # noqa: S314 - we wrote it
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "1", "4")
    page = formats.page(everyone[1], assignment)
    assert "✘ like rr  0 of 30" in page
    assert "runs A, and rr runs B" in page
    assert "▲" in page, "the smallest chart that shows it"
    assert "to read /etc/passwd" in page
    head, lines = report.table(everyone, assignment)
    assert all(len(line) == len(head) for line in lines)


def test_who_is_late_has_less(assignment: Assignment) -> None:
    assignment.spec.late = 10
    graded = Graded("late", "x.py", "graded", [Mark(1.0), Mark(0.5)], late_days=2)
    assert formats.document(graded, assignment)["points"] == 20
    graded.late_days = 11
    assert formats.document(graded, assignment)["points"] == 0


def test_what_a_class_declares_it_has_not_kept(tmp_path: Path, assignment: Assignment) -> None:
    file = tmp_path / "mine.py"
    file.write_text(ROUND_ROBIN.replace("    quantum", "    idles = True\n    quantum", 1))
    task = assignment.tasks[0]
    task.spec.law = ["never idle", "nothing lost"]
    mark = Judge(assignment, AtHome(str(file), assignment)).mark(task)
    assert (mark.share, [part.held for part in mark.parts]) == (0.5, [False, True])


def test_labs_are_listed_and_written(ossandbox: CommandRunner, tmp_path: Path) -> None:
    assert [line.split()[0] for line in ossandbox("labs").lines[1:]] == labs.names()
    assert len(json.loads(ossandbox("labs", "--json").out)) == len(labs.names())
    assert ossandbox("labs", "mlfq", "--new", str(tmp_path / "new")).status == 0
    assert ossandbox("labs", "mlfq", "--new", str(tmp_path / "new")).status == 2, "nothing is overwritten"
    assert "Did you mean mlfq?" in ossandbox("labs", "mlqf").err
    assert ossandbox("labs", "--new", str(tmp_path / "x")).status == 2


HOSTILE = {
    "fork": "import os\ntry: os.fork()\nexcept OSError: pass\n",
    "reads": "try: open('/etc/shadow').read()\nexcept OSError: pass\n",
    "disk": "try: open('/tmp/ossandbox-big', 'wb').write(b'x' * 10**8)\nexcept OSError: pass\n",
    "lines": "for _ in range(100_000): print('x')\n",
}
TRIES = {
    "fork": "to start a process",
    "reads": "to read /etc/shadow",
    "disk": "to write /tmp",
    "lines": "to print 10000",
}


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.thorough
@pytest.mark.timeout(200)
def test_who_tries_more_gets_points_for_what_it_does(
    ossandbox: CommandRunner, leftcheck: LeftCheck, tmp_path: Path
) -> None:
    path = tmp_path / "TASKS.toml"
    path.write_text(TASKS)
    files = {"honest": ROUND_ROBIN, **{name: f"{text}\n{ROUND_ROBIN}" for name, text in HOSTILE.items()}}
    files |= {"ends": f"import os\nos._exit(0)\n{ROUND_ROBIN}", "syntax": "def (:\n", "none": "x = 1\n"}
    (tmp_path / "all").mkdir()
    for name, text in files.items():
        (tmp_path / "all" / f"{name}.py").write_text(text)
    before = sorted((tmp_path / "all").iterdir())
    done = ossandbox("grade", str(path), str(tmp_path / "all"), str(tmp_path / "gone.py"), "--to", "json")
    assert done.status == 0
    assert "gone" in done.err
    by_name = {each["student"]: each for each in json.loads(done.out)}
    assert {name: each["points"] for name, each in by_name.items()} == {
        **dict.fromkeys(("honest", *HOSTILE), 40),
        **dict.fromkeys(("ends", "syntax", "none", "gone"), 0),
    }
    for name, tries in TRIES.items():
        assert any(each["says"].startswith(tries) for each in by_name[name]["tried"]), name
    assert by_name["honest"]["tried"] == []
    assert sorted((tmp_path / "all").iterdir()) == before
    assert not Path("/tmp/ossandbox-big").exists()  # noqa: S108 - somebody tried to write there


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.timeout(120)
def test_on_a_cluster_the_marks_are_the_same(ossandbox: CommandRunner, leftcheck: LeftCheck, tmp_path: Path) -> None:
    (tmp_path / "TASKS.toml").write_text(TASKS.replace("workloads = 2", "workloads = 10"))
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "wrong.py").write_text(ROUND_ROBIN.replace("return self.quantum", "return None"))
    submissions = [str(tmp_path / "all"), "rr", str(tmp_path / "gone.py")]
    with running() as cluster:
        cluster.hire(2)
        done = ossandbox("grade", str(tmp_path / "TASKS.toml"), *submissions, "--to", "csv", "--on", cluster.address)
    assert done.status == 0
    points = {row["student"]: float(row["points"]) for row in csv.DictReader(io.StringIO(done.out))}
    assert points == {"wrong": 10, "rr": 40, "gone": 0}


@pytest.mark.real
@pytest.mark.patient
def test_one_is_judged_in_its_room(ossandbox: CommandRunner, tmp_path: Path) -> None:
    path = tmp_path / "TASKS.toml"
    path.write_text(TASKS)
    (tmp_path / "mine.py").write_text(f"import os\ntry: os.fork()\nexcept OSError: pass\n{ROUND_ROBIN}")
    done = ossandbox("grade", str(path), str(tmp_path / "mine.py"), "--to", "gradescope")
    assert (done.status, done.err) == (0, "")
    document = json.loads(done.out)
    Draft202012Validator(GRADESCOPE).validate(document)
    assert document["score"] == 40
    assert "to start a process" in document["output"]


def test_each_student_has_a_name_and_a_page_of_their_own() -> None:
    names = ["a b", "a?b", "A_B", "x\ny\x1b[2J", "", "…" * 200, "…" * 200]
    found = [each.name for each in command._distinct([Submission(name, "rr") for name in names])]
    assert found[:5] == ["a b", "a?b-2", "A_B-3", "x y", "?"]
    assert len({command._file_name(name).casefold() for name in found}) == len(names)
