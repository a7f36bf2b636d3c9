"""Between the kernel and a policy that somebody else wrote: whatever that does, the run goes on.

If it raises, answers nonsense or does not answer in time, first come, first served takes over, and the fault tells
which line of whose file it was. The kernel gets nothing from it but tasks that are ready, slices in a sane range,
truth values and harmless words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from sandbox.model.events import Clause, DescheduledReason, Figure, ParameterView, ReadyReason
from sandbox.model.values import BadValue
from sandbox.policies.base import Policy, Queue, Task
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import validate as answers
from sandbox.policies.host.failures import failure
from sandbox.util.timeout import ALL_THE_TIME, Alarm, Overdue

A = TypeVar("A")

#: What a policy may raise without taking the kernel with it.
FAILURES = (Exception, SystemExit, KeyboardInterrupt, Overdue)


class Guard(Policy):
    """Behaves as ``policy`` does, until that fails."""

    def __init__(self, policy: Policy, alarm: Alarm = ALL_THE_TIME) -> None:
        self.seed = policy.seed
        self.source = policy.source
        self._policy = policy
        self._alarm = alarm
        self._written = policy.written
        self._ready: dict[Task, int] = {}  # with the pid that each had when it came
        self._now_ns = 0

    def _ask(self, callback: str, question: Callable[[Policy], A]) -> A:
        """The policy's answer; that of its successor, if it has none."""
        try:
            with self._alarm:
                return question(self._policy)
        except FAILURES as error:
            self._replace(failure(self._policy, callback, error))
        return question(self._policy)

    def _tell(self, callback: str, news: Callable[[Policy], object]) -> None:
        """Tell the policy; if it fails, its successor knows already."""
        try:
            with self._alarm:
                news(self._policy)
        except FAILURES as error:
            self._replace(failure(self._policy, callback, error))

    def _replace(self, what: Clause) -> None:
        """First come, first served takes over; whoever has been ready longest is first."""
        successor = FirstComeFirstServed(seed=self.seed)
        successor.desk = self.desk
        for task, pid in self._ready.items():
            task.pid = pid  # whatever the policy has made of it
            successor.enqueue(task, "admitted", self._now_ns)
        self._policy = successor
        self.desk.failed(Clause(what.rule, {**what.figures, "successor": successor.name}))

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        self._policy.desk = self
        self._tell("start", lambda policy: policy.start(now_ns))

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._now_ns = now_ns
        self._ready[task] = task.pid
        self._tell("enqueue", lambda policy: policy.enqueue(task, reason, now_ns))

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        self._now_ns = now_ns
        task = self._ask("pick", lambda policy: answers.ready(policy.pick(cpu, now_ns), self._ready))
        self._ready.pop(task, None)  # type: ignore[arg-type]
        return task

    def slice(self, task: Task) -> int | None:
        return self._ask("slice", lambda policy: answers.slice_ns(policy.slice(task)))

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return self._ask("preempts", lambda policy: answers.truth(policy.preempts(task, running, now_ns)))

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._tell("stopping", lambda policy: policy.stopping(task, ran_ns, now_ns))

    def remove(self, task: Task) -> None:
        self._ready.pop(task, None)
        self._tell("remove", lambda policy: policy.remove(task))

    def retune(self, now_ns: int) -> None:
        self._tell("retune", lambda policy: policy.retune(now_ns))

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        self._now_ns = now_ns

        def answer(policy: Policy) -> list[Task] | None:
            tasks = answers.all_ready(policy.timer(now_ns), self._ready)
            answers.later(policy.timer_ns, now_ns)
            return tasks

        return self._ask("timer", answer)

    @property
    def timer_ns(self) -> int | None:  # type: ignore[override]
        """When the policy wants to be called."""
        return self._ask("timer_ns", lambda policy: answers.later(policy.timer_ns))

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:  # type: ignore[override]
        """Who keeps what is left of a slice."""
        return self._ask("keeps_slice", lambda policy: answers.reasons(policy.keeps_slice))

    # What the screen asks

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of whoever schedules."""
        return self._policy.name

    @property
    def ties(self) -> str:  # type: ignore[override]
        """Its rule for ties."""
        return type(self._policy).ties

    @property
    def starves(self) -> bool:  # type: ignore[override]
        """What it says of itself."""
        return self._ask("starves", lambda policy: answers.truth(policy.starves))

    @property
    def idles(self) -> bool:  # type: ignore[override]
        """What it says of itself."""
        return self._ask("idles", lambda policy: answers.truth(policy.idles))

    @property
    def kind(self) -> type[Policy]:
        """The class of whoever schedules."""
        return type(self._policy)

    def why(self, task: Task) -> Clause:
        return self._ask("why", lambda policy: answers.clause(policy.why(task)))

    def queues(self) -> Sequence[Queue]:
        return self._ask("queues", lambda policy: answers.queues(policy.queues()))

    def figures(self, task: Task) -> dict[str, Figure]:
        return self._ask("figures", lambda policy: answers.figures(policy.figures(task)))

    # What the policy says to the kernel

    def note(self, clause: Clause, task: Task | None = None) -> None:
        self.desk.note(answers.clause(clause), task)

    def renew(self, task: Task) -> None:
        """Let a task's slice begin anew."""
        self.desk.renew(task)

    def failed(self, what: Clause) -> None:
        """Said by a successor only, and that has no reason to."""

    # Parameters

    def tune(self, name: str, text: str) -> None:
        try:
            with self._alarm:
                self._policy.tune(name, text)
                self._written = self._policy.written
        except BadValue:
            raise
        except FAILURES as error:
            self._replace(failure(self._policy, "tune", error))

    @property
    def parameters(self) -> dict[str, object]:
        return self._ask("parameters", lambda policy: answers.parameters(policy.parameters))

    def described(self) -> list[ParameterView]:
        return self._ask("described", lambda policy: policy.described())

    @property
    def written(self) -> dict[str, str]:
        """The parameters of the policy that is guarded, also after it has failed: its next version shall have them."""
        return self._written
