"""What passes between the kernel and a guarded policy: all that it is told, and of its answers those that are sound."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from sandbox.model.commands import Kill, Look, Tune
from sandbox.model.events import Clause, Dispatched, Figure, ParameterView, PolicyNote, Queues, ReadyReason
from sandbox.model.values import BadValue
from sandbox.policies import Duration, Parameter
from sandbox.policies.base import NullKernel, Policy, Queue, Task
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import validate
from sandbox.policies.host.guard import Guard
from sandbox.util.timeout import Timeout
from sandbox.util.units import MS
from tests.support.runs import like_real
from tests.support.scenarios import process, scenario


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

            def waits(self, task: Task, now_ns: int) -> list[Task]:
                told.append(("waits", task.pid, [holder.pid for holder in task.waits_for], now_ns))
                return [*self.queue]

            def why(self, task: Task) -> Clause:
                told.append(("why", task.pid))
                return Clause("why", {"pid": task.pid})

            def figures(self, task: Task) -> dict[str, Figure]:
                return {"pid": task.pid}

            def queues(self) -> list[Queue]:
                return [Queue("mine", [*self.queue], 3 * MS)]

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
            script=[("1ms", Kill("d")), ("22ms", Tune("quantum", "7ms")), ("23ms", Look())],
            cpus=2,
        )
        events = like_real(world, Guard(Curious()) if guarded else Curious())
        told += [(event.t_ns, event.pid, event.note) for event in events if isinstance(event, PolicyNote)]
        told += [(event.queues, event.running) for event in events if isinstance(event, Queues)]
        return [
            *told,
            *((event.t_ns, event.pid, event.cpu, event.why) for event in events if isinstance(event, Dispatched)),
        ]

    plain = heard(guarded=False)
    assert {str(call[0]) for call in plain} >= {
        "start",
        "enqueue",
        "remove",
        "retune",
        "timer",
        "preempts",
        "stopping",
    } | {"waits", "why"}
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


def test_who_is_ready_when_a_policy_fails_is_served_by_its_successor_in_that_order() -> None:
    """Those that were enqueued and not picked or removed since; of the failed policy's views it takes none."""

    class Brittle(Policy):
        broken = False

        def why(self, task: Task) -> Clause:
            if self.broken:
                raise ValueError
            return super().why(task)

    guard = Guard(policy := Brittle())
    guard.kernel = Told()
    tasks = [Task(pid, str(pid)) for pid in range(5)]
    for task in tasks:
        guard.enqueue(task, "admitted", 0)
    assert guard.pick(0, 0) is tasks[0]
    guard.remove(tasks[2])
    policy.broken = True
    assert guard.why(tasks[0]) == Policy().why(tasks[0])
    (queue,) = guard.queues()
    assert queue.tasks == (tasks[1], tasks[3], tasks[4])
    assert [guard.pick(0, 0) for _ in range(4)] == [tasks[1], tasks[3], tasks[4], None]
    guard.enqueue(tasks[0], "expired", 0)
    guard.enqueue(tasks[1], "expired", 0)
    guard.remove(tasks[0])
    assert guard.pick(0, 0) is tasks[1]


@pytest.mark.parametrize(
    ("check", "answer", "said", "allowed"),
    [
        (lambda answer: validate.ready(answer, {}), 3, "3", "a task that is ready, or None"),
        (lambda answer: validate.all_ready(answer, {}), 3, "3", "tasks that are ready, or None"),
        (validate.slice_ns, 0.5, "0.5", "1000 … 86400000000000 ns, or None"),
        (validate.truth, "yes", "'yes'", "True | False"),
        (validate.later, -1, "-1", "a later time in ns, or None"),
        (validate.reasons, 1, "1", "some of expired | preempted | blocked | exited | paused | yielded"),
        (validate.clause, [], "a list", "a Clause, or text"),
        (validate.figures, [], "a list", "at most 20 figures by name"),
        (validate.figures, {"a": []}, "a list", "a figure: text, a number or None"),
        (validate.parameters, [], "a list", "parameters by name, as JSON carries them"),
        (validate.written, [], "a list", "parameters by name, as text"),
        (validate.described, 3, "3", "a list of parameters"),
        (lambda answer: validate.queues(answer, lambda view: None), 3, "3", "a list of Queue"),
        (lambda answer: validate.queues([Queue("mine", answer)], lambda view: None), ["x"], "'x'", "tasks in a queue"),
    ],
)
def test_whoever_is_refused_is_told_what_was_expected(
    check: Callable[[object], object], answer: object, said: str, allowed: str
) -> None:
    with pytest.raises(validate.InvalidAnswer) as refusal:
        check(answer)
    assert (refusal.value.answer, refusal.value.allowed) == (said, allowed)
    assert str(refusal.value) == f"{said} instead of {allowed}"


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
