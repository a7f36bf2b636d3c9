"""A policy's file: the template, what may be wrong with one, where it failed or hung, and who stands in for it."""

from __future__ import annotations

import linecache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sandbox
from sandbox import policies
from sandbox.model.events import Clause, Dispatched, Fault, Figure
from sandbox.model.spec import MachineSpec
from sandbox.model.values import BadValue
from sandbox.policies import build, choice, find, template, template_zh
from sandbox.policies.base import Task
from sandbox.policies.host import failures, loader
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.loader import MAX_BYTES, classes, load
from sandbox.util.timeout import Timeout
from sandbox.util.units import MS
from tests.support.scenarios import gantt, process, scenario, simulate


@pytest.mark.parametrize(("template", "why"), [(template, "it has waited longest"), (template_zh, "它等得最久")])
def test_the_template_is_round_robin_and_says_why(template: ModuleType, why: str) -> None:
    """Whatever one changes of it: what it was before is known. A preempted task would go back to the head."""
    jobs = [
        process("a", "cpu 120ms", "io 30ms", "cpu 60ms"),
        process("b", "cpu 90ms", arrive="5ms"),
        process("c", "cpu 200ms", arrive="70ms"),
    ]
    ours = simulate(scenario(*jobs, policy=f"{template.__file__}:Mine"))
    assert gantt(ours) == gantt(simulate(scenario(*jobs, policy="rr", quantum_ns=50 * MS)))
    decided = [event for event in ours if isinstance(event, Dispatched)]
    assert {event.slice_ns for event in decided} == {50 * MS}
    assert [event.why for event in decided] == [Clause("sentence", {"text": why})] * len(decided)
    tenth = simulate(scenario(*jobs, policy=f"{template.__file__}:Mine", quantum_ns=10 * MS))
    assert gantt(tenth) == gantt(simulate(scenario(*jobs, policy="rr", quantum_ns=10 * MS)))
    mine, first, second = template.Mine(), Task(1, "a"), Task(2, "b")
    mine.enqueue(first, "admitted", 0)
    mine.enqueue(second, "preempted", 0)
    assert mine.preempts(first, second, 0) is False
    assert [mine.pick(0, 0), mine.pick(0, 0)] == [second, first]
    assert (mine.idles, mine.starves) == (False, False)
    assert mine.described()[0].says == "the length of a time slice"
    for text in ("1ms", "10s"):
        mine.tune("quantum", text)
        assert mine.described()[0].value == text
    for text in ("999us", "10001ms"):
        with pytest.raises(BadValue):
            mine.tune("quantum", text)


def test_where_a_file_is_gone_first_come_first_served_stands_in_under_its_name(tmp_path: Path) -> None:
    good = PolicyFactory(MachineSpec(policy="rr", seed=7)).first_or_stand_in()
    assert (good[0].name, good[0].source, good[1]) == ("rr", "rr", None)
    policy, why = PolicyFactory(MachineSpec(policy="gone.py:Mine", seed=7), str(tmp_path)).first_or_stand_in()
    assert (policy.name, policy.source, policy.seed) == ("fcfs", "gone.py:Mine", 7)
    assert why == Clause("no such file", {"asked": "policy", "value": "gone.py", "successor": "fcfs"})


@pytest.mark.parametrize(
    ("text", "rule", "figures"),
    [
        ("Mine = 3", "not a policy", {"value": "mine.py:Mine"}),
        ("class Mine: pass", "not a policy", {"value": "mine.py:Mine"}),
        ("class Other: pass", "not among the classes", {
            "value": "Mine", "file": "mine.py", "allowed": "mine.py:Other",
        }),
        ("class Mine(Policy):\n    ties = 'never'", "ties of a policy", {
            "value": "Mine", "found": "'never'", "allowed": "arrival-first | requeue-first",
        }),
        ("\n1 / 0", "file fails", {"value": "mine.py", "line": 3, "reason": "ZeroDivisionError: division by zero"}),
        ("\nclass Mine(", "file fails", {"value": "mine.py", "line": 3, "reason": "SyntaxError: '(' was never closed (mine.py, line 3)"}),
        ("class Mine(Policy):\n    def __init__(self, *a):\n        [][1]", "file fails", {
            "value": "mine.py:Mine", "line": 4, "reason": "IndexError: list index out of range",
        }),
        ("class Mine(Policy):\n    __init__ = None", "policy does not start", {
            "value": "mine.py:Mine", "line": None, "reason": "TypeError: 'NoneType' object is not callable",
        }),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    tmp_path: Path, text: str, rule: str, figures: dict[str, Any]
) -> None:
    (tmp_path / "mine.py").write_text(f"from sandbox.policies import Policy\n{text}\n")
    with pytest.raises(BadValue) as bad:
        build(MachineSpec(policy="mine.py:Mine"), str(tmp_path))
    what = bad.value.what
    assert (what.rule, {name: figure for name, figure in what.figures.items() if name in figures}) == (rule, figures)


def test_a_policy_without_a_name_has_that_of_its_class(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sandbox.policies import Policy\nclass Mine(Policy): pass\nclass Named(Policy):\n    name = 'x\\x1b[31m' * 50\n"
    )
    assert load("mine.py:Mine", str(tmp_path)).name == "Mine"
    named = load("mine.py:Named", str(tmp_path)).name
    assert (named[:5], len(named)) == ("xxxxx", 40)
    (tmp_path / "mine.py").write_text("from sandbox.policies import Policy\nclass Mine(Policy): name = 'anew'")
    assert load("mine.py:Mine", str(tmp_path)).name == "anew", "it is read anew each time"
    for folder, rule in (("", "file nobody named"), (str(tmp_path / "no"), "no such file")):
        with pytest.raises(BadValue) as bad:
            load("mine.py:Mine", folder)
        assert (bad.value.what.rule, bad.value.what.figures["value"]) == (rule, "mine.py")
    (tmp_path / "mine.py").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(BadValue) as bad:
        load("mine.py:Mine", str(tmp_path))
    assert bad.value.what == Clause("file is too large", {"allowed": "1024 KiB"})


def test_a_file_that_cannot_be_read_is_told_with_the_systems_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loader, "read_below", denied)
    with pytest.raises(BadValue) as bad:
        load("mine.py:Mine", str(tmp_path))
    assert bad.value.what == Clause("cannot be read", {"reason": "Permission denied"})


def test_the_classes_of_a_file_are_told_without_running_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("1 / 0\nclass One: pass\nclass _Hidden: pass\nclass Two(One):\n    class Inner: pass\n")
    assert classes(str(path)) == ["One", "Two"]
    path.write_text("\n\nclass One\n")
    with pytest.raises(BadValue) as bad:
        classes(str(path))
    ((_, what),) = bad.value.faults
    assert (what.rule, what.figures["value"], what.figures["line"]) == ("file fails", "mine.py", 3)
    with pytest.raises(BadValue) as bad:
        classes(str(tmp_path / "gone.py"))
    assert bad.value.faults[0][1].rule == "cannot be read"


DUMP = """something before it
Timeout (0:00:12)!
Thread 0x00007f (most recent call first):
  File "/home/me/help.py", line 7 in deeper
  File "/home/me/mine.py", line 4 in pick
  File "/home/me/mine.py", line 2 in <module>
  File "{ours}/policies/host/guard.py", line 99 in _ask
  File "<frozen runpy>", line 198 in _run_module_as_main
  File "/home/me/bin/ossandbox", line 8 in <module>
"""


def test_where_a_policy_hung_is_read_from_the_dump_of_its_stack() -> None:
    """The outermost of its frames is what was called, the innermost in the same file is where it was; the stack is told
    as a traceback is, the call last."""
    figures = failures.hang(DUMP.replace("{ours}", sandbox.__path__[0]))
    assert figures is not None
    assert (figures["callback"], figures["file"], figures["line"]) == ("<module>", "mine.py", 4)
    stack = str(figures["traceback"])
    assert stack.startswith("Stack (most recent call last):")
    assert stack.index("line 2, in <module>") < stack.index("line 4, in pick") < stack.index("line 7, in deeper")
    assert "guard.py" not in stack
    assert "runpy" not in stack
    hung = failures.cause_of_death(DUMP.replace("{ours}", sandbox.__path__[0]))
    assert (hung.rule, hung.figures) == ("policy hangs", figures)
    assert failures.cause_of_end(DUMP.replace("{ours}", sandbox.__path__[0])).rule == "command hangs"


def test_of_files_that_are_not_its_own_no_line_is_told_on_its_word(tmp_path: Path) -> None:
    """In a room a dump may be the work of whoever is examined, and a report is shown to its author."""
    secret, own = tmp_path / "secret", tmp_path / "mine.py"
    secret.write_text("the solution\n")
    own.write_text("the own line\n")
    for path, told in ((secret, False), (own, True)):
        words = f'Stack (most recent call first):\n  File "{path}", line 1 in pick\n'
        what = failures.cause(words, "policy hangs", "command died", readable=[str(own)])
        assert (what.rule, what.figures["file"]) == ("policy hangs", path.name)
        assert (path.read_text().strip() in str(what.figures)) is told
        assert what.figures["code"] == ("the own line" if told else "")


@pytest.mark.parametrize("frame", [r'"/\xzz\Uffffffff\ud8"', '"/x", line 1 in y\n  File "/z"'])
def test_a_dump_that_none_has_written_is_read_as_well_as_can_be(frame: str) -> None:
    for line in ("1", "9" * 5_000, "-1"):
        words = f"Stack (most recent call first):\n  File {frame}, line {line} in pick\n"
        assert failures.cause_of_death(words).rule in ("policy hangs", "kernel process died")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"x = 1\n" * 200_000, "file is too large"),
        (b"\0", "file does not load"),
        (b"# coding: x\n", "file does not load"),
    ],
)
def test_a_file_that_is_no_program_says_so_without_a_line(tmp_path: Path, text: bytes, rule: str) -> None:
    (tmp_path / "mine.py").write_bytes(text)
    with pytest.raises(BadValue) as bad:
        classes(str(tmp_path / "mine.py"))
    assert bad.value.what.rule == rule


def test_of_what_cannot_be_asked_its_place_is_told() -> None:
    """Where its author's code was last; nothing of the exception but whether it was the limit of time."""
    try:
        exec(compile("def pick():\n    return 1 / 0\n\npick()", "/home/me/mine.py", "exec"))
    except ZeroDivisionError as error:
        traceback = error.__traceback__
    known: dict[str, Figure] = {"policy": "mine", "callback": "pick", "file": "mine.py", "line": 2, "code": ""}
    what = failures.bare("mine", "pick", ZeroDivisionError, traceback)
    assert what == Clause("policy raises", {**known, "error": "something that cannot be shown"})
    assert failures.bare("mine", "pick", Timeout, traceback) == Clause("policy takes too long", known)
    nowhere = failures.bare("mine", "pick", None, None)
    assert nowhere.figures == {"policy": "mine", "callback": "pick", "error": "something that cannot be shown"}


def test_an_exception_is_told_in_one_line_and_placed_by_its_file(tmp_path: Path) -> None:
    assert failures.reason(ValueError("no\n \x1b[31mgood")) == "ValueError: no good"
    assert failures.reason(KeyError()) == "KeyError"

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    class Slow(Exception):
        def __str__(self) -> str:
            raise Timeout

    assert failures.reason(Mute()) == "Mute"
    with pytest.raises(Timeout):
        failures.reason(Slow())
    path = str(tmp_path / "mine.py")
    for text, line in (("def f():\n    1 / 0\n\nf()", 2), ("\nclass (", 2)):
        with pytest.raises((ZeroDivisionError, SyntaxError)) as raised:
            exec(compile(text, path, "exec"))
        assert failures.failing_line(raised.value, path) == line
        assert failures.failing_line(raised.value, "/elsewhere.py") is None


def test_the_last_words_of_a_process_tell_of_its_end() -> None:
    assert failures.hang("no dump at all") is None
    assert failures.cause_of_death("first\nlast\x1b[31m") == Clause("kernel process died", {"reason": "last"})
    assert failures.cause_of_end("") == Clause("command died", {"reason": "it was killed"})
    escaped = 'most recent call first):\n  File "/home/\\u4e2d\\xe9/mine.py", line 4 in p\\U0001f600ck\n'
    figures = failures.hang(f"Thread ({escaped}")
    assert figures is not None
    assert (figures["file"], figures["callback"]) == ("mine.py", "p\U0001f600ck")
    assert "/home/中é/mine.py" in str(figures["traceback"])


def test_an_installed_policy_that_does_not_load_costs_nobody_else_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name, value, policies.GROUP) for name, value in (("gone", "json:Gone"), ("lost", "nowhere:X"))]
    monkeypatch.setattr(policies, "_installed", lambda: points)
    for name in ("gone", "lost"):
        with pytest.raises(BadValue, match="policy does not start"):
            policies.find(name)
    contenders = choice.sensible(scenario(process("a", "cpu 1ms")))
    assert not {"gone", "lost"} & {each.policy for each in contenders}


def test_a_file_that_is_carried_here_is_told_of_with_its_lines(tmp_path: Path) -> None:
    """It need not be on this computer; what was carried before is forgotten."""
    text = b"from sandbox.policies import Policy\n\nclass Mine(Policy):\n    def pick(self, cpu, now_ns):\n        return 1 / 0\n"
    loader.carry({"other.py:Other": b""})
    loader.carry({"far/mine.py": text})
    try:
        assert load("far/mine.py:Mine", str(tmp_path)).name == "Mine"
        assert linecache.getline("far/mine.py", 5) == "        return 1 / 0\n"
        assert linecache.getlines("far/mine.py") == text.decode().splitlines(keepends=True)
        world = scenario(process("a", "cpu 1ms"), policy="far/mine.py:Mine")
        (fault,) = [event for event in simulate(world) if isinstance(event, Fault)]
        assert fault.what.figures["code"] == "return 1 / 0"
        assert (fault.what.figures["file"], fault.what.figures["line"]) == ("mine.py", 5)
        with pytest.raises(BadValue):
            load("other.py:Other", str(tmp_path))
    finally:
        loader.carry({})


def test_what_a_file_imports_is_told_without_running_it(tmp_path: Path) -> None:
    """Anywhere in it; of the built-in policies by module, whatever the way, and each once."""
    file = tmp_path / "mine.py"
    file.write_text(
        "import os, sandbox.policies.rr\nfrom sandbox.policies import Task, fair, mlfq\nfrom sandbox.policies import Policy\n"
        "def later():\n    import json as j, os\n    from . import other\n    from math import inf\n1 / 0\n"
    )
    assert loader.imports(str(file)) == [
        "os", "sandbox.policies.rr", "sandbox.policies.fair", "sandbox.policies.mlfq", "sandbox.policies", "json", "math",
    ]  # fmt: skip


def test_a_file_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    """Whether its path is given or it is beside the scenario."""
    text = b"from sandbox.policies import Policy\nclass Mine(Policy):\n    pass\n#"
    file = tmp_path / "mine.py"
    for name, folder in ((f"{file}:Mine", "."), ("mine.py:Mine", str(tmp_path))):
        file.write_bytes(text.ljust(MAX_BYTES, b"x"))
        assert load(name, folder).name == "Mine"
        file.write_bytes(text.ljust(MAX_BYTES + 1, b"x"))
        with pytest.raises(BadValue) as refusal:
            load(name, folder)
        assert refusal.value.faults == [("", Clause("file is too large", {"allowed": "1024 KiB"}))]


def test_a_file_without_a_class_is_asked_for_one(tmp_path: Path) -> None:
    """Its name alone tells that it is a file."""
    (tmp_path / "mine.py").write_text("class Mine: ...\nclass Yours: ...\n")
    with pytest.raises(BadValue) as refusal:
        find("mine.py", str(tmp_path))
    assert refusal.value.what == Clause("which class", {"value": "mine.py", "allowed": "mine.py:Mine | mine.py:Yours"})


def test_what_an_interpreter_has_frozen_is_no_place_in_a_file(tmp_path: Path) -> None:
    lines = ['  File "<frozen posixpath>", line 3 in join', f'  File "{tmp_path}/mine.py", line 9 in pick']
    found = failures.hang("Timeout (0:00:01)!\nThread 1 (most recent call first):\n" + "\n".join(lines) + "\n")
    assert found is not None
    assert (found["callback"], found["file"], found["line"]) == ("pick", "mine.py", 9)
    assert "frozen" not in str(found["traceback"])


def test_a_traceback_is_told_as_python_tells_it() -> None:
    """From the author's code on, and without ours."""
    try:
        exec(compile("def pick():\n    1 / 0\npick()", "/x/mine.py", "exec"), {})
    except ZeroDivisionError as error:
        told = failures.traceback_of(error)
    lines = told.splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "ZeroDivisionError: division by zero")
    places = [line for line in lines if line.startswith("  File ")]
    assert places[-2:] == ['  File "/x/mine.py", line 3, in <module>', '  File "/x/mine.py", line 2, in pick']
