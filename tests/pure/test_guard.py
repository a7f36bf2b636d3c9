"""FAULTS row 28: whatever a person's own policy does, it is shown, first come, first served takes over, and the run
goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sandbox import wording
from sandbox.model.commands import Look, Tune
from sandbox.model.events import (
    Booted,
    Dispatched,
    Event,
    Fault,
    PolicyNote,
    Queues,
    Scheduling,
)
from sandbox.model.spec import MachineSpec
from sandbox.model.values import BadValue
from sandbox.policies import build
from sandbox.policies.base import Policy, Queue, Task
from sandbox.policies.host.guard import Guard, free_kept, kept
from sandbox.util.timeout import NO_LIMIT
from tests.support.scenarios import exits, process, scenario, simulate

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
    "body",
    [
        "name = 'm\\ud800'",
        "def why(self, task):\n    return 'so\\ud800'",
        "def why(self, task):\n    return Clause('\\ud800', {'\\ud800': '\\udfff'})",
        "def pick(self, cpu, now_ns):\n    self.note('\\ud800')\n    return super().pick(cpu, now_ns)",
        "def pick(self, cpu, now_ns):\n    raise ValueError('\\ud800')",
        "def pick(self, cpu, now_ns):\n    return '\\ud800'",
        "def queues(self):\n    return [Queue('\\ud800', (), None)]",
        "def figures(self, task):\n    return {'\\ud800': '\\ud800'}",
        "@property\ndef written(self):\n    return {'\\ud800': '\\ud800'}",
        "from sandbox.policies.host.failures import Reported\ndef pick(self, cpu, now_ns):\n"
        "    raise self.Reported(Clause('x', {'y': object()}))",
    ],
)
def test_f59_what_no_file_can_carry_is_told_all_the_same(tmp_path: Path, body: str) -> None:
    events = run(write(tmp_path, body), ("7ms", Look()))
    assert {name: end.status for name, end in exits(events).items()} == {"a": 0, "b": 0, "c": 0}
    for event in events:
        msgspec.json.encode(event)


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


@pytest.mark.parametrize(("ties", "then"), [(None, "arrival-first"), ("requeue-first", "requeue-first")])
def test_f28_with_a_policy_that_fails_goes_its_rule_for_ties(tmp_path: Path, ties: str | None, then: str) -> None:
    """Unless the scenario has one of its own."""
    body = "ties = 'requeue-first'\ndef slice(self, task):\n    return 0"
    events = run(write(tmp_path, body), ties=ties)
    assert [event.ties for event in events if isinstance(event, Booted | Scheduling)] == ["requeue-first", then]


def test_policies_of_a_finished_run_are_freed_and_no_earlier_ones() -> None:
    earlier, first = Guard(Policy()), kept()
    later = Guard(Policy())
    free_kept(first, NO_LIMIT, cycles=False)
    assert kept() == first
    assert hasattr(earlier, "_policy")
    assert not hasattr(later, "_policy")
