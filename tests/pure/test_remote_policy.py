"""A policy that lives elsewhere decides as it does here: told of every change, and asked call by call."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
import pytest

from sandbox.analysis.conformance.workloads import worlds
from sandbox.machines.simulate import simulate
from sandbox.model.clause import Clause
from sandbox.model.reasons import ReadyReason
from sandbox.model.spec import Guest, MachineSpec, Scenario
from sandbox.model.states import BLOCKED, EXITED
from sandbox.policies import BUILT_IN, build
from sandbox.policies.base import Policy, Task
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.failures import Reported
from sandbox.policies.host.guard import Guard
from sandbox.policies.host.remote import Call, Line, Remote, RemoteFactory, Said, Seat, Seated
from sandbox.policies.host.replay import failure_of
from sandbox.util.timeout import NO_LIMIT
from tests.support.runs import jobs, like_real, mixed
from tests.support.scenarios import scenario

_encode = msgspec.json.Encoder().encode
_question = msgspec.json.Decoder(Seat | Call)


class _AtHome:
    """As a ``Line``, but whoever is seated is at the other end of a string of bytes."""

    def __init__(self) -> None:
        self._seated: Seated | None = None

    def ask(self, question: Seat | Call) -> list[Any]:
        asked = _question.decode(_encode(question))
        if isinstance(asked, Seat):
            self._seated = Seated(asked, NO_LIMIT)
            return []
        assert self._seated is not None
        said = msgspec.json.decode(_encode(self._seated.answer(asked)), type=Said)
        return list(msgspec.json.decode(bytes(said.answers)))


def _remotes(machine: MachineSpec) -> PolicyFactory:
    own = build(machine)
    here: Any = _AtHome()
    return RemoteFactory(machine, Guest(machine.policy, machine.parameters, own.name, own.ties), here, NO_LIMIT)


def _events(world: Scenario, factory: PolicyFactory | None = None) -> list[Any]:
    events: list[Any] = []
    simulate(world, events.extend, factory=factory)
    return events


@pytest.mark.parametrize("name", BUILT_IN)
def test_it_decides_as_it_does_here(name: str) -> None:
    for world in worlds(7, 4)[:4]:  # behind these come long ones
        machine = msgspec.structs.replace(world.machine, policy=name, parameters={})
        here = msgspec.structs.replace(world, machine=machine, script=[])
        assert _events(here, _remotes(machine)) == _events(here)


@pytest.mark.parametrize("name", ["priority", "fair", "mlfq", "scripted"])
def test_so_does_one_on_a_machine_like_a_real_one(name: str) -> None:
    """Where processes wait for each other, yield, and come and go."""
    parameters = {"inherit": True} if name == "priority" else {}
    world = scenario(*mixed(), policy=name, parameters=parameters)
    assert like_real(world, _remotes(world.machine).first()) == like_real(world)


class _Curious(Policy):
    """Notes all that can be read of each task that it is told of."""

    name = "curious"
    seen: ClassVar[list[tuple[Any, ...]]] = []

    def _see(self, *tasks: Task) -> None:
        fields = [name for name in Task.__slots__ if name not in ("data", "view", "waits_for")]
        for task in tasks:
            self.seen.append((*(getattr(task, name) for name in fields), [each.pid for each in task.waits_for]))

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._see(task, *task.waits_for)
        super().enqueue(task, reason, now_ns)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._see(task)

    def waits(self, task: Task, now_ns: int) -> tuple[()]:
        self._see(task, *task.waits_for)
        return ()


def test_it_sees_of_each_task_what_there_is_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """All fields, as they are at that moment; also what a blocked one waits for, and for whom."""
    monkeypatch.setattr("sandbox.policies.host.remote.build", lambda spec, alarm, guard: guard(_Curious(), alarm))
    world = scenario(*mixed(), *jobs(), policy="curious", cpus=2)
    remote = type("Elsewhere", (Remote,), {"name": "curious"})(
        Guest("curious", {}, "curious", "arrival-first"), world.machine, _AtHome()
    )
    like_real(world, Guard(remote))
    elsewhere = _Curious.seen[:]
    _Curious.seen.clear()
    like_real(world, _Curious())
    here = _Curious.seen[:]
    _Curious.seen.clear()
    assert any(waits_for for *_, waits_for in here)
    assert elsewhere == here


# The line


@contextmanager
def a_line(*heard: bytes, hears: Callable[[bytes], None] = lambda asked: None) -> Iterator[Line]:
    """A line at whose other end somebody has said this already, and then nothing more."""
    (there, asks), (answers, here) = os.pipe(), os.pipe()
    for piece in heard:
        os.write(here, piece)
    os.close(here)
    line = Line(asks, answers)
    try:
        yield line
        os.close(asks)
        hears(os.read(there, 1 << 16))
    finally:
        for descriptor in (there, answers):
            os.close(descriptor)


def said(nonce: int, *answers: object) -> bytes:
    return _encode(Said(nonce, msgspec.Raw(_encode([*answers])))) + b"\n"


def test_an_answer_may_come_in_pieces_and_is_that_to_this_question() -> None:
    """Each question is one line, each answer too; one that answers another question fits to none."""
    first, second = Call(1, "pick", [], [0, 5]), Call(2, "slice", [], [3], [4])

    def hears(asked: bytes) -> None:
        assert [_question.decode(each) for each in asked.splitlines()] == [first, second]
        assert asked.endswith(b"\n")

    whole = said(1, 3) + said(2, None, 0, [1, "x"])
    with a_line(whole[:9], whole[9:70], whole[70:], hears=hears) as line:
        assert (line.ask(first), line.ask(second)) == ([3], [None, 0, [1, "x"]])


@pytest.mark.parametrize(
    ("heard", "rule"),
    [
        (b"", "ends the process"),
        (said(1)[:-1], "ends the process"),
        (said(2), "answers do not fit"),
        (b"\n", "answers do not fit"),
        (b"nonsense\n", "answers do not fit"),
        (b'{"nonce":1,"message":"Said"}\n', "answers do not fit"),
        (b"[" * 50_000 + b"\n", "answers do not fit"),
    ],
)
def test_what_is_no_answer_is_told(heard: bytes, rule: str) -> None:
    with a_line(heard) as line, pytest.raises(Reported) as told:
        line.ask(Call(1, "pick", [], []))
    assert told.value.what.rule == rule
    assert told.value.what.figures == ({"reason": ""} if rule == "ends the process" else {})


def test_an_answer_without_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.policies.host.remote._MAX_ANSWER", 1_000)
    room = 1_001 - len(said(1, "x"))
    with a_line(said(1, "x" * room)) as line:
        assert line.ask(Call(1, "pick", [], [])) == ["x" * room]
    with a_line(said(1, "x" * 1_001)) as line, pytest.raises(Reported) as told:
        line.ask(Call(1, "pick", [], []))
    assert told.value.what.rule == "answers do not fit"


def test_a_line_is_not_inherited_and_who_has_gone_is_told() -> None:
    (there, asks), (answers, here) = os.pipe(), os.pipe()
    os.set_inheritable(asks, True)
    os.set_inheritable(answers, True)
    line = Line(asks, answers)
    assert not os.get_inheritable(asks)
    assert not os.get_inheritable(answers)
    os.close(there)
    with pytest.raises(Reported) as told:
        line.ask(Call(1, "pick", [], []))
    assert told.value.what == Clause("ends the process", {"reason": ""})
    for descriptor in (asks, answers, here):
        os.close(descriptor)


def test_only_what_has_changed_is_sent() -> None:
    sent: list[list[int]] = []

    class Noting(_AtHome):
        def ask(self, question: Seat | Call) -> list[Any]:
            if isinstance(question, Call):
                sent.append([pid for pid, _, _ in question.tasks])
            return super().ask(question)

    kind: Any = Remote
    remote = kind(Guest("fcfs", {}, "fcfs", "arrival-first"), MachineSpec(policy="fcfs"), Noting())
    guard, tasks = Guard(remote), [Task(pid, str(pid)) for pid in (1, 2)]
    for task in tasks:
        guard.enqueue(task, "admitted", 0)
    assert guard.pick(0, 0) is tasks[0]
    tasks[1].cpu_ns = 5
    guard.slice(tasks[0])
    assert sent == [[1], [2], [], [2]]


def test_who_ends_without_a_call_is_forgotten_with_the_next_one() -> None:
    """One that is killed while it is blocked leaves no queue, so the policy is not called."""
    past: list[list[int]] = []

    class Noting(_AtHome):
        def ask(self, question: Seat | Call) -> list[Any]:
            if isinstance(question, Call):
                past.append(question.past)
            return super().ask(question)

    kind: Any = Remote
    remote = kind(Guest("fcfs", {}, "fcfs", "arrival-first"), MachineSpec(policy="fcfs"), Noting())
    guard, (one, other) = Guard(remote), [Task(pid, str(pid)) for pid in (1, 2)]
    guard.enqueue(one, "admitted", 0)
    guard.pick(0, 0)
    one.state, one.stopped = BLOCKED, "blocked"
    guard.stopping(one, 0, 0)
    one.state = EXITED
    guard.enqueue(other, "admitted", 0)
    guard.pick(0, 0)
    assert past == [[], [], [], [1], []]


def test_a_failure_is_told_with_what_is_known_of_failures_and_no_more() -> None:
    """On one line each, but for the traceback; as long as is usual."""
    told = {
        "policy": "mine\n",
        "line": 3,
        "traceback": "x" * 5_000 + "\n  one\n  two",
        "colour": "red",
        "code": "y" * 900,
    }
    figures = failure_of("policy takes too long", told).figures
    assert (figures["policy"], figures["line"], figures["callback"], "colour" in figures) == ("mine", 3, "", False)
    assert str(figures["traceback"]).endswith("x\n  one\n  two")
    assert (len(str(figures["traceback"])), len(str(figures["code"]))) == (4_000, 500)
    assert failure_of("anything", {"line": "3", "file": 5}) == Clause("policy raises", {"callback": ""})
