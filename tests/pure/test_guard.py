"""FAULTS row 28: whatever a person's own policy does, it is shown, first come, first served takes over, and the run
goes on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sandbox
from sandbox import wording
from sandbox.model.commands import Kill, Look, Tune
from sandbox.model.events import (
    Clause,
    Dispatched,
    Event,
    Fault,
    Figure,
    ParameterView,
    PolicyNote,
    Queues,
    ReadyReason,
    Scheduling,
)
from sandbox.model.spec import MachineSpec
from sandbox.model.values import BadValue
from sandbox.policies import Duration, Parameter, build, template
from sandbox.policies.base import NullKernel, Policy, Queue, Task
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import failures, validate
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.guard import Guard
from sandbox.policies.host.loader import MAX_BYTES, classes, load
from sandbox.util.timeout import Timeout
from sandbox.util.units import MS
from tests.support.scenarios import exits, gantt, process, scenario, simulate

HEAD = """\
import math

from sandbox.policies import Clause, Policy, Queue, Task

class Mine(Policy):
    \"\"\"A policy of a person's own.\"\"\"
"""


def write(folder: Path, body: str, name: str = "mine.py") -> str:
    """A policy file; ``body`` is what the class says beyond its docstring, from line 7 on."""
    path = folder / name
    path.write_text(HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
    return f"{path}:Mine"


def run(policy: str, *script: Any, **machine: Any) -> list[Event]:
    """Three processes with arrivals and I/O, two CPUs if asked for."""
    jobs = [
        process("a", "cpu 30ms", "io 10ms", "cpu 30ms"),
        process("b", "cpu 30ms", arrive="5ms"),
        process("c", "cpu 10ms", "io 5ms", "cpu 10ms", arrive="12ms"),
    ]
    return simulate(scenario(*jobs, script=script, policy=policy, **machine))


def failed(events: list[Event]) -> Fault:
    """The only fault; everything ended well all the same, under fcfs."""
    assert {name: end.status for name, end in exits(events).items()} == {"a": 0, "b": 0, "c": 0}
    assert {event.policy for event in events if isinstance(event, Scheduling)} == {"fcfs"}
    (fault,) = [event for event in events if isinstance(event, Fault)]
    assert fault.what.figures["successor"] == "fcfs"
    return fault


ANSWERS = [
    "0",
    "-1",
    "True",
    "1.5",
    "'a'",
    "object()",
    "[]",
    "math.nan",
    "10**30",
    "float('inf')",
    "10**5000",
    "Task(1, 'x')",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_f28_nonsense_instead_of_a_task(tmp_path: Path, answer: str) -> None:
    fault = failed(run(write(tmp_path, f"def pick(self, cpu, now_ns):\n    return {answer}")))
    assert fault.what.rule == "policy answers nonsense"
    figures = fault.what.figures
    assert (figures["callback"], figures["file"], figures["line"]) == ("pick", "mine.py", 7)
    assert figures["code"] == "def pick(self, cpu, now_ns):"
    assert "instead of a task that is ready, or None; fcfs takes over" in wording.fault(fault.what)


@pytest.mark.parametrize("answer", ANSWERS)
def test_f28_nonsense_instead_of_a_slice(tmp_path: Path, answer: str) -> None:
    fault = failed(run(write(tmp_path, f"def slice(self, task):\n    return {answer}")))
    assert (fault.what.rule, fault.what.figures["callback"]) == ("policy answers nonsense", "slice")


DEAD = """\
def enqueue(self, task, reason, now_ns):
    self.seen = [*getattr(self, "seen", []), task]
    super().enqueue(task, reason, now_ns)
def pick(self, cpu, now_ns):
    task = super().pick(cpu, now_ns)
    return self.seen[0] if now_ns > 80_000_000 else task
"""
RUNNING = """\
picked = None
def pick(self, cpu, now_ns):
    if self.picked is None:
        self.picked = super().pick(cpu, now_ns)
    return self.picked
"""
BLOCKED = """\
def pick(self, cpu, now_ns):
    task = super().pick(cpu, now_ns)
    if task is not None and task.name == "b":
        return self.first
    self.first = task
    return task
"""


@pytest.mark.parametrize("body", [DEAD, RUNNING, BLOCKED], ids=["dead", "running", "blocked"])
def test_f28_a_task_that_is_not_ready(tmp_path: Path, body: str) -> None:
    fault = failed(run(write(tmp_path, body), cpus=2 if body is RUNNING else 1))
    assert fault.what.rule == "policy answers nonsense"
    assert str(fault.what.figures["answer"]).startswith("<1 a>")


def test_f28_a_task_that_was_tampered_with(tmp_path: Path) -> None:
    body = "def pick(self, cpu, now_ns):\n    task = super().pick(cpu, now_ns)\n    task.pid = 77\n    return task"
    events = simulate(scenario(process("a", "cpu 30ms"), policy=write(tmp_path, body)))
    (fault,) = [event for event in events if isinstance(event, Fault)]
    assert (fault.what.rule, fault.what.figures["line"]) == ("policy raises", 9)
    assert "task.pid is the kernel's, a policy only reads it" in str(fault.what.figures["error"])
    assert exits(events)["a"].status == 0


@pytest.mark.parametrize("answer", ["None", "0", "1", "'yes'", "math.nan"])
def test_f28_nonsense_instead_of_yes_or_no(tmp_path: Path, answer: str) -> None:
    body = f"def preempts(self, task, running, now_ns):\n    return {answer}"
    assert failed(run(write(tmp_path, body))).what.figures["allowed"] == "True | False"


CALLBACKS = {
    "start": "self, now_ns",
    "enqueue": "self, task, reason, now_ns",
    "pick": "self, cpu, now_ns",
    "slice": "self, task",
    "preempts": "self, task, running, now_ns",
    "stopping": "self, task, ran_ns, now_ns",
    "why": "self, task",
}


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("error", ["1 / 0", "exit(3)", "raise KeyError('x')", "raise KeyboardInterrupt", "self.f()"])
def test_f28_raising(tmp_path: Path, callback: str, error: str) -> None:
    body = f"def {callback}({CALLBACKS[callback]}):\n    {error}\ndef f(self):\n    self.f()"
    fault = failed(run(write(tmp_path, body)))
    figures = fault.what.figures
    assert (fault.what.rule, figures["callback"], figures["file"]) == ("policy raises", callback, "mine.py")
    assert figures["line"] == (10 if error == "self.f()" else 8)
    assert f"in {callback}" in str(figures["traceback"])
    assert "sandbox/" not in str(figures["traceback"]), "our own lines are of no use to its author"
    assert f"mine.py line {figures['line']}" in wording.fault(fault.what)


def test_f28_raising_in_code_that_the_policy_calls(tmp_path: Path) -> None:
    body = "def pick(self, cpu, now_ns):\n    import json\n    return json.loads('{')"
    fault = failed(run(write(tmp_path, body)))
    assert (fault.what.figures["file"], fault.what.figures["line"]) == ("mine.py", 9)


def test_f28_raising_what_cannot_even_be_shown(tmp_path: Path) -> None:
    body = """\
class Odd(Exception):
    def __str__(self):
        raise ValueError
    __repr__ = __str__
def pick(self, cpu, now_ns):
    raise self.Odd()
def slice(self, task):
    return None"""
    assert failed(run(write(tmp_path, body))).what.figures["error"] == "Odd"


@pytest.mark.parametrize(
    "body",
    [
        "timer_ns = 5\ndef timer(self, now_ns):\n    pass",  # never set anew
        "timer_ns = 5.5",
        "timer_ns = 10**30",
        "timer_ns = 5\ndef timer(self, now_ns):\n    self.timer_ns = None\n    return [Task(9, 'x')]",
        "timer_ns = 5\ndef timer(self, now_ns):\n    self.timer_ns = None\n    return 3",
        "timer_ns = 5\ndef timer(self, now_ns):\n    self.timer_ns = None\n    while True:\n        yield self.queue[0]",
        "keeps_slice = 3",
        "keeps_slice = ['never']",
        "def why(self, task):\n    return 3",
        "def why(self, task):\n    return Clause('x', {'y': object()})",
        "def why(self, task):\n    return Clause('x', {'y': 10**40})",
        "def why(self, task):\n    return Clause(3)",
        "def pick(self, cpu, now_ns):\n    self.note(3)",
        "@property\ndef parameters(self):\n    return {'x': object()}",
        "def pick(self, cpu, now_ns):\n    self.renew(Task(9, 'x'))",
    ],
)
def test_f28_nonsense_of_every_other_kind(tmp_path: Path, body: str) -> None:
    failed(run(write(tmp_path, body)))


def test_f28_no_answer_reaches_the_kernel_but_these(tmp_path: Path) -> None:
    guard = Guard(Policy())
    task, other = Task(1, "a"), Task(2, "b")
    guard.enqueue(task, "admitted", 0)
    assert guard.pick(0, 0) is task
    guard.enqueue(task, "expired", 1)
    guard.enqueue(other, "admitted", 1)
    guard.remove(task)
    assert guard.pick(0, 1) is other
    assert guard.pick(0, 1) is None
    assert guard.slice(other) is None
    assert guard.preempts(task, other, 1) is False
    assert guard.queues() == [Queue(guard.queues()[0].name, ())]


def test_a_person_may_say_why_in_a_plain_sentence(tmp_path: Path) -> None:
    body = "def why(self, task):\n    self.note('hm \\x1b[31m', task)\n    return f'I like {task.name} \\x1b[31m'"
    events = run(write(tmp_path, body))
    said = [wording.sentence(event, {1: "a", 2: "b", 3: "c"}) for event in events]
    assert "a gets CPU 0 until it blocks: I like a" in said
    assert "a: hm" in said
    assert any(isinstance(event, PolicyNote) for event in events)


def test_who_was_ready_longest_is_first_after_a_failure(tmp_path: Path) -> None:
    body = "def pick(self, cpu, now_ns):\n    return 1 / 0 if now_ns else super().pick(cpu, now_ns)"
    jobs = [process(name, "cpu 10ms", arrive=f"{index}ms") for index, name in enumerate("abcd")]
    events = simulate(scenario(*jobs, policy=write(tmp_path, body)))
    assert [name for name, _ in sorted(exits(events).items(), key=lambda pair: pair[1].t_ns)] == ["a", "b", "c", "d"]


def test_a_guard_lets_a_good_policy_do_what_it_would_do_alone() -> None:
    for name in ("rr", "mlfq", "eevdf", "priority"):
        spec = MachineSpec(policy=name)
        world = scenario(
            process("a", "cpu 30ms", "io 10ms", "cpu 30ms"),
            process("b", "cpu 30ms", priority=-1, arrive="5ms"),
            policy=name,
        )
        assert simulate(world, Guard(build(spec))) == simulate(world)


def test_queues_that_a_person_shows_are_made_harmless(tmp_path: Path) -> None:
    body = """\
def queues(self):
    return [Queue('mine\\x1b[31m', self.queue, 5_000)]
def figures(self, task):
    return {'x\\x07': 1.5}"""
    (seen,) = [event for event in run(write(tmp_path, body), ("7ms", Look())) if isinstance(event, Queues)]
    assert wording.queue(seen.queues[0].name) == "mine"
    assert [(task.pid, task.figures) for task in seen.queues[0].tasks] == [(2, {"x": 1.5})]


def test_f28_failing_to_be_tuned(tmp_path: Path) -> None:
    body = "def tune(self, name, text):\n    1 / 0\ndef retune(self, now_ns):\n    1 / 0"
    assert failed(run(write(tmp_path, body), ("7ms", Tune("quantum", "5ms")))).what.figures["callback"] == "tune"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("from sandbox.kinds import Duration", "from sandbox.policies import Duration"),
        ("from sandbox.events import Clause, Figure as F", "from sandbox.policies import Clause, Figure"),
        ("from sandbox.policies.ranking import Ranked", "from sandbox.policies import Ranked"),
        ("import sandbox.kinds", "import sandbox.policies"),
    ],
)
def test_an_import_of_a_module_that_has_moved_is_answered_by_the_one_to_write(
    tmp_path: Path, was: str, now: str
) -> None:
    (tmp_path / "old.py").write_text(f"\n{was}\n")
    with pytest.raises(BadValue) as bad:
        build(MachineSpec(policy="old.py:Mine"), str(tmp_path))
    said, module = wording.problem(bad.value.what), was.split()[1]
    assert said == f"old.py, line 2: {module} is now sandbox.policies: {now}"


@pytest.mark.parametrize(
    "wanted", ["from sandbox.screens import Nothing", "from sandbox.kinds import nearest", "import nowhere"]
)
def test_what_is_nowhere_to_be_had_fails_as_it_is(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "old.py").write_text(wanted)
    with pytest.raises(BadValue) as bad:
        build(MachineSpec(policy="old.py:Mine"), str(tmp_path))
    assert wording.problem(bad.value.what).startswith("old.py fails in line 1: ModuleNotFoundError: No module named")


# What a policy gets of the kernel's records

FIELDS = [name for name in Task.__slots__ if name != "data"]


@pytest.mark.parametrize("field", FIELDS)
def test_f58_a_policy_cannot_write_the_kernels_records(tmp_path: Path, field: str) -> None:
    fault = failed(run(write(tmp_path, f"def slice(self, task):\n    task.{field} = None\n    return None")))
    assert (fault.what.rule, fault.what.figures["file"], fault.what.figures["line"]) == ("policy raises", "mine.py", 8)
    assert f"task.{field} is the kernel's" in wording.fault(fault.what)


@pytest.mark.parametrize(
    "write_it",
    [
        "del task.cpu_ns",
        "setattr(task, 'cpu_ns', 0)",
        "object.__setattr__(task, 'cpu_ns', 0)",
        "task.more = 1",
        "task.view = None",
        "task.stopped = 'exited'",
    ],
)
@pytest.mark.parametrize("callback", ["stopping", "why", "enqueue", "preempts"])
def test_f58_in_whatever_way_and_place_it_tries(tmp_path: Path, callback: str, write_it: str) -> None:
    fault = failed(run(write(tmp_path, f"def {callback}({CALLBACKS[callback]}):\n    {write_it}")))
    assert (fault.what.rule, fault.what.figures["line"]) == ("policy raises", 8)


def test_f58_figures_are_those_of_a_policy_that_writes_nothing(tmp_path: Path) -> None:
    beside = "def slice(self, task):\n    Task.cpu_ns.__set__(task, 0)\n    Task.pid.__set__(task, 9)\n    return None"
    assert run(write(tmp_path, beside))[1:] == run(write(tmp_path, "pass"))[1:]


def test_what_a_policy_remembers_of_a_task_is_its_own(tmp_path: Path) -> None:
    body = """\
def enqueue(self, task, reason, now_ns):
    task.data = (task.data or 0) + 1
    task.own += 1
    super().enqueue(task, reason, now_ns)
def why(self, task):
    return f'{task.name} {task.data} {task.cpu_ns}'"""
    said = [wording.rule(event.why) for event in run(write(tmp_path, body)) if isinstance(event, Dispatched)]
    assert said[:2] == ["a 2 0", "b 2 0"]
    assert "a 4 30000000" in said


EVIL = """\
class Evil:
    __class__ = property(lambda self: bool)
    def __eq__(self, other): raise SystemExit(3)
    def __hash__(self): raise SystemExit(3)
    def __bool__(self): raise SystemExit(3)
    def __repr__(self): raise SystemExit(3)
    def __str__(self): raise SystemExit(3)
    def __len__(self): raise SystemExit(3)
    def __iter__(self): raise SystemExit(3)
class Words(str):
    def __str__(self): raise SystemExit(3)
    def __eq__(self, other): raise SystemExit(3)
    def __hash__(self): raise SystemExit(3)
    def __len__(self): raise SystemExit(3)
class Error(BaseException):
    def __str__(self): raise SystemExit(3)
"""


@pytest.mark.parametrize("end", ["raise self.Error()", "raise GeneratorExit"])
@pytest.mark.parametrize("callback", [*CALLBACKS, "timer_ns", "keeps_slice"])
def test_f59_whatever_a_policy_raises_is_told(tmp_path: Path, callback: str, end: str) -> None:
    head = "" if callback in CALLBACKS else "@property\n"
    body = f"{EVIL}{head}def {callback}({CALLBACKS.get(callback, 'self')}):\n    {end}"
    figures = failed(run(write(tmp_path, body))).what.figures
    assert (figures["callback"], figures["file"]) == (callback, "mine.py")


@pytest.mark.parametrize("callback", ["pick", "slice", "preempts", "why", "timer_ns", "keeps_slice"])
def test_f59_no_answer_is_asked_anything_outside_the_guard(tmp_path: Path, callback: str) -> None:
    head = "" if callback in CALLBACKS else "@property\n"
    body = f"{EVIL}{head}def {callback}({CALLBACKS.get(callback, 'self')}):\n    return self.Evil()"
    assert failed(run(write(tmp_path, body))).what.figures["callback"] == callback


@pytest.mark.parametrize(
    "body",
    [
        "@property\ndef parameters(self):\n    return {self.Words('x'): self.Words('y')}",
        "def why(self, task):\n    return self.Words('so it is')",
        "keeps_slice = (Words('preempted'),)",
    ],
)
def test_f59_words_that_are_more_than_words(tmp_path: Path, body: str) -> None:
    events = run(write(tmp_path, EVIL + body), ("7ms", Look()))
    assert {name: end.status for name, end in exits(events).items()} == {"a": 0, "b": 0, "c": 0}
    assert msgspec.json.encode([str(event) for event in events])


@pytest.mark.parametrize(
    "text",
    [
        "raise GeneratorExit\n",
        "class Odd(BaseException):\n    def __str__(self):\n        raise SystemExit(3)\nraise Odd\n",
        "class Mine:\n    name = 3\n",
        "from sandbox.policies import Policy\nclass Mine(Policy):\n    def __init__(self, *more):\n        raise GeneratorExit\n",
        "from sandbox.policies import Policy\nclass Mine(Policy):\n    ties = type('T', (), {'__eq__': lambda s, o: 1 / 0})()\n",
        "from sandbox.policies import Policy\nclass Mine(Policy):\n    __init__ = exit\n",
    ],
)
def test_f59_a_file_that_fails_in_an_odd_way_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(BadValue) as bad:
        build(MachineSpec(policy="mine.py:Mine"), str(tmp_path))
    assert "mine.py" in wording.problem(bad.value.what)


def test_the_template_is_round_robin_and_says_why() -> None:
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
    assert [event.why for event in decided] == [Clause("sentence", {"text": "it has waited longest"})] * len(decided)
    tenth = simulate(scenario(*jobs, policy=f"{template.__file__}:Mine", quantum_ns=10 * MS))
    assert gantt(tenth) == gantt(simulate(scenario(*jobs, policy="rr", quantum_ns=10 * MS)))
    mine, first, second = template.Mine(), Task(1, "a"), Task(2, "b")
    mine.enqueue(first, "admitted", 0)
    mine.enqueue(second, "preempted", 0)
    assert mine.preempts(first, second, 0) is False
    assert [mine.pick(0, 0), mine.pick(0, 0)] == [second, first]
    assert (mine.idles, mine.starves) == (False, False)
    for text in ("1ms", "10s"):
        mine.tune("quantum", text)
        assert mine.described()[0].value == text
    for text in ("999us", "10001ms"):
        with pytest.raises(BadValue):
            mine.tune("quantum", text)


# Instead of whom, and what is told of files and ends


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
        ("class Other: pass", "no such class", {"value": "Mine", "file": "mine.py"}),
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


def test_of_what_cannot_be_asked_its_place_is_told() -> None:
    """Where its author's code was last; nothing of the exception but whether it was the limit of time."""
    try:
        exec(compile("def pick():\n    return 1 / 0\n\npick()", "/home/me/mine.py", "exec"))  # noqa: S102
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
            exec(compile(text, path, "exec"))  # noqa: S102
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


def test_f28_an_endless_recursion_is_told_by_its_beginning_and_its_end(tmp_path: Path) -> None:
    """Twenty frames of each, which is shorter than what a traceback may take."""
    body = "def pick(self, cpu, now_ns):\n    return self.deeper()\ndef deeper(self):\n    return self.deeper()"
    what = failed(run(write(tmp_path, body))).what
    assert (what.rule, what.figures["callback"], what.figures["code"]) == (
        "policy raises",
        "pick",
        "return self.deeper()",
    )
    assert str(what.figures["error"]).startswith("RecursionError")
    assert len(str(what.figures["traceback"])) <= 4_000


# What goes through


def test_a_guard_hands_on_all_that_it_is_told_and_nothing_else() -> None:
    """Behind it a policy hears the same, in the same order, as without it."""

    def heard(guarded: bool) -> list[tuple[Any, ...]]:
        told: list[tuple[Any, ...]] = []

        class Curious(Policy):
            """Notes every call."""

            name = "curious"
            quantum = Parameter(Duration(), "10ms", "how long")
            timer_ns = 12 * MS
            keeps_slice = ("blocked", "preempted")

            def start(self, now_ns: int) -> None:
                told.append(("start", now_ns))
                self.note(Clause("began"))

            def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
                told.append(("enqueue", task.pid, reason, now_ns, task.data))
                task.data = now_ns
                super().enqueue(task, reason, now_ns)

            def pick(self, cpu: int, now_ns: int) -> Task | None:
                told.append(("pick", cpu, now_ns))
                return super().pick(cpu, now_ns)

            def slice(self, task: Task) -> int:
                told.append(("slice", task.pid))
                return self.quantum

            def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
                told.append(("preempts", task.pid, running.pid, now_ns))
                return now_ns == 20 * MS

            def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
                told.append(("stopping", task.pid, ran_ns, now_ns, task.stopped))

            def remove(self, task: Task) -> None:
                told.append(("remove", task.pid))
                super().remove(task)

            def retune(self, now_ns: int) -> None:
                told.append(("retune", now_ns, self.quantum))

            def timer(self, now_ns: int) -> list[Task]:
                told.append(("timer", now_ns))
                self.timer_ns = None  # type: ignore[assignment]
                if self.queue:
                    self.renew(self.queue[0])
                    self.note(Clause("named", {"now_ns": now_ns}), self.queue[0])
                return [*self.queue][:1]

        world = scenario(
            process("a", "cpu 30ms", "io 10ms", "cpu 30ms"),
            *(process(name, "cpu 40ms") for name in "bcd"),
            process("late", "cpu 5ms", arrive="20ms"),
            script=[("1ms", Kill("d")), ("22ms", Tune("quantum", "7ms"))],
            cpus=2,
        )
        events = simulate(world, Guard(Curious()) if guarded else Curious())
        told += [(event.t_ns, event.pid, event.note) for event in events if isinstance(event, PolicyNote)]
        return [*told, *((event.t_ns, event.pid, event.cpu) for event in events if isinstance(event, Dispatched))]

    plain = heard(guarded=False)
    assert {str(call[0]) for call in plain} >= {"start", "enqueue", "remove", "retune", "timer", "preempts", "stopping"}
    assert heard(guarded=True) == plain


class Told(NullKernel):
    """A kernel that remembers what failed."""

    what: Clause | None = None

    def failed(self, what: Clause) -> None:
        self.what = what


TASK, OTHER = Task(1, "a"), Task(2, "b")
CALLS: dict[str, Callable[[Guard], object]] = {
    "start": lambda guard: guard.start(0),
    "enqueue": lambda guard: guard.enqueue(TASK, "admitted", 0),
    "pick": lambda guard: guard.pick(0, 0),
    "slice": lambda guard: guard.slice(TASK),
    "preempts": lambda guard: guard.preempts(TASK, OTHER, 0),
    "stopping": lambda guard: guard.stopping(TASK, 0, 0),
    "remove": lambda guard: guard.remove(TASK),
    "retune": lambda guard: guard.retune(0),
    "timer": lambda guard: guard.timer(0),
    "timer_ns": lambda guard: guard.timer_ns,
    "keeps_slice": lambda guard: guard.keeps_slice,
    "starves": lambda guard: guard.starves,
    "idles": lambda guard: guard.idles,
    "why": lambda guard: guard.why(TASK),
    "queues": lambda guard: guard.queues(),
    "figures": lambda guard: guard.figures(TASK),
    "tune": lambda guard: guard.tune("x", "y"),
    "raw": lambda guard: guard.raw("x", "y"),
    "parameters": lambda guard: guard.parameters,
    "described": lambda guard: guard.described(),
}


@pytest.mark.parametrize("callback", CALLS)
def test_f28_what_failed_is_told_by_its_name_and_the_successor_answers(callback: str) -> None:
    def fail(policy: Policy, *_: object) -> object:
        return 1 / 0 if armed else getattr(Policy(), callback)

    armed = False
    answer = property(fail) if callback in ("timer_ns", "keeps_slice", "starves", "idles", "parameters") else fail
    guard = Guard(type("Mine", (Policy,), {callback: answer, "name": "mine"})())
    guard.kernel = kernel = Told()
    armed = True
    with suppress(BadValue):  # the successor has no parameter x
        CALLS[callback](guard)
    assert kernel.what is not None
    assert (kernel.what.rule, kernel.what.figures["callback"]) == ("policy raises", callback)
    assert (kernel.what.figures["policy"], kernel.what.figures["successor"]) == ("mine", "fcfs")
    assert guard.kind is FirstComeFirstServed


@pytest.mark.parametrize("callback", ["pick", "enqueue"])
def test_f28_an_exception_that_takes_for_ever_to_be_told_is_told_as_such(callback: str) -> None:
    class Slow(Exception):
        def __str__(self) -> str:
            raise Timeout

    def fail(policy: Policy, *_: object) -> object:
        raise Slow

    guard = Guard(type("Mine", (Policy,), {callback: fail, "name": "mine"})())
    guard.kernel = kernel = Told()
    CALLS[callback](guard)
    assert kernel.what is not None
    assert (kernel.what.rule, kernel.what.figures["callback"]) == ("policy takes too long", callback)
    assert (kernel.what.figures["policy"], kernel.what.figures["successor"]) == ("mine", "fcfs")


def test_what_a_policy_says_of_itself_is_what_its_guard_says() -> None:
    for name in ("idles", "starves"):
        assert getattr(Guard(type("Mine", (Policy,), {name: True})()), name) is True
        assert getattr(Guard(Policy()), name) is False


def test_a_policy_lives_as_long_as_the_process_and_its_seed_is_a_number() -> None:
    """Its end may run its author's code: it comes after everything else."""
    guard = Guard(Policy(seed=9))
    assert guard.seed == 9
    kept = weakref.ref(guard._policy)
    del guard
    gc.collect()
    assert kept() is not None
    odd = Policy()
    odd.seed = "x"  # type: ignore[assignment]
    assert Guard(odd).seed == 1


def refused(check: Callable[..., object], *answer: Any) -> bool:
    try:
        check(*answer)
    except validate.InvalidAnswer:
        return True
    return False


def test_answers_just_within_the_bounds_and_just_beyond_them() -> None:
    good: list[tuple[Callable[..., object], Any]] = [
        (validate.slice_ns, 1_000), (validate.slice_ns, 86_400_000_000_000), (validate.slice_ns, None),
        (validate.later, 0), (validate.later, (1 << 62) - 1), (validate.later, None),
        (validate.figures, {str(number): number for number in range(20)}),
        (validate.figures, {"a": (1 << 62) - 1, "b": 1 - (1 << 62), "c": 0.5, "d": None, "e": "text"}),
        (validate.reasons, []), (validate.reasons, {"expired"}),
        (validate.truth, True), (validate.truth, False),
    ]  # fmt: skip
    bad: list[tuple[Callable[..., object], Any]] = [
        (validate.slice_ns, 999), (validate.slice_ns, 86_400_000_000_001), (validate.slice_ns, 5e6), (validate.slice_ns, True),
        (validate.later, -1), (validate.later, 1 << 62), (validate.later, 1.0),
        (validate.figures, {str(number): number for number in range(21)}),
        (validate.figures, {"a": 1 << 62}), (validate.figures, {"a": -(1 << 62)}), (validate.figures, {"a": True}),
        (validate.figures, {1: 1}), (validate.figures, []),
        (validate.reasons, ["expired", "expired"]), (validate.reasons, "expired"), (validate.reasons, ["never"]),
        (validate.truth, 1), (validate.truth, None), (validate.clause, None), (validate.parameters, {1: 1}),
        (validate.parameters, {"x": object()}), (validate.written, {"x": 1}), (validate.described, ["x"]),
        (validate.written, []), (validate.described, ()), (validate.parameters, []),
    ]  # fmt: skip
    assert [(check.__name__, answer) for check, answer in good if refused(check, answer)] == []
    assert [(check.__name__, answer) for check, answer in bad if not refused(check, answer)] == []
    assert not refused(validate.later, 6, 5)
    assert refused(validate.later, 5, 5)
    assert validate.reasons(["blocked", "preempted"]) == validate.reasons({"preempted", "blocked"})
    assert set(validate.reasons(["blocked", "preempted"])) == {"blocked", "preempted"}


def test_only_ready_tasks_are_picked_and_each_once() -> None:
    tasks = [Task(pid, str(pid)) for pid in (1, 2)]
    known = {id(task): task for task in tasks}
    assert validate.ready(tasks[1], known) is tasks[1]
    assert validate.ready(None, known) is None
    assert refused(validate.ready, Task(1, "1"), known)
    assert validate.all_ready(None, known) is None
    assert validate.all_ready([], known) == []
    assert validate.all_ready(reversed(tasks), known) == tasks[::-1]
    for answer in ([*tasks, tasks[0]], [Task(1, "1")], 3, [tasks[0], None]):
        assert refused(validate.all_ready, answer, known)


def test_what_is_said_is_short_and_harmless() -> None:
    long = "x\x1b[31m" * 1_000
    assert 400 < len(validate.clause(long).figures["text"]) <= 500  # type: ignore[arg-type]
    kept = validate.clause(Clause(long, {long: long}))
    ((name, value),) = kept.figures.items()
    assert (400 < len(kept.rule) <= 500, 30 < len(name) <= 40, 400 < len(str(value)) <= 500) == (True, True, True)
    assert "\x1b" not in str(kept)
    assert (validate.said(3), validate.said("x"), validate.said(None)) == ("3", "'x'", "None")
    assert validate.said([1]) == "a list"
    assert len(validate.said("x" * 1_000)) <= 60
    assert validate.said(10**10_000) == "something"
    assert validate.written({str(number): "x" for number in range(101)}).keys() == {
        str(number) for number in range(100)
    }
    views = [ParameterView(str(number), "1", "2", "3") for number in range(101)]
    assert validate.described(views) == views[:100]
    assert refused(validate.queues, 3, lambda view: None)
    assert refused(validate.queues, ["queue"], lambda view: None)
    assert refused(validate.queues, [Queue("mine", [Task(1, "a")])], lambda view: None)
    task = Task(1, "a")
    shown = validate.queues((Queue("mine", [task], 5 * MS) for _ in range(101)), lambda view: task)
    assert shown == [Queue(Clause("sentence", {"text": "mine"}), (task,), 5 * MS)] * 100


def test_what_a_policy_of_ones_own_refuses_is_told_as_it_says() -> None:
    faults = [("a\x1b[31m", Clause("not so\x1b[31m", {"value": 3})), ("b", Clause("nor so"))]
    assert validate.bad_value(BadValue.all(faults)).faults == [
        ("a", Clause("not so", {"value": 3})),
        ("b", Clause("nor so")),
    ]
    assert len(validate.bad_value(BadValue.all(faults * 60)).faults) == 100
    nothing = BadValue("x")
    nothing.faults = []
    assert validate.bad_value(nothing).faults == [("", Clause("answers do not fit"))]
