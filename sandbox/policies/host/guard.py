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
from sandbox.policies.base import KernelHandle, Policy, Queue, Task
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import validate
from sandbox.policies.host.failures import failure
from sandbox.util.timeout import NO_LIMIT, TimeLimit, Timeout

A = TypeVar("A")

#: What a policy may raise without taking the kernel with it.
FAILURES = (Exception, SystemExit, KeyboardInterrupt, Timeout)


class _CheckedHandle:
    """What a guarded policy says to the kernel, checked."""

    def __init__(self, kernel: KernelHandle) -> None:
        self._kernel = kernel

    def note(self, clause: Clause, task: Task | None = None) -> None:
        self._kernel.note(validate.clause(clause), task)

    def renew(self, task: Task) -> None:
        self._kernel.renew(task)

    def failed(self, what: Clause) -> None:
        """Only a guard says so."""


class Guard(Policy):
    """Behaves as ``policy`` does, until that fails."""

    def __init__(self, policy: Policy, alarm: TimeLimit = NO_LIMIT) -> None:
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
        successor.kernel = self.kernel
        for task, pid in self._ready.items():
            task.pid = pid  # whatever the policy has made of it
            successor.enqueue(task, "admitted", self._now_ns)
        self._policy = successor
        self.kernel.failed(Clause(what.rule, {**what.figures, "successor": successor.name}))

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        self._policy.kernel = _CheckedHandle(self.kernel)
        self._tell("start", lambda policy: policy.start(now_ns))

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._now_ns = now_ns
        self._ready[task] = task.pid
        self._tell("enqueue", lambda policy: policy.enqueue(task, reason, now_ns))

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        self._now_ns = now_ns
        task = self._ask("pick", lambda policy: validate.ready(policy.pick(cpu, now_ns), self._ready))
        if task is not None:
            del self._ready[task]
        return task

    def slice(self, task: Task) -> int | None:
        return self._ask("slice", lambda policy: validate.slice_ns(policy.slice(task)))

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return self._ask("preempts", lambda policy: validate.truth(policy.preempts(task, running, now_ns)))

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
            tasks = validate.all_ready(policy.timer(now_ns), self._ready)
            validate.later(policy.timer_ns, now_ns)
            return tasks

        return self._ask("timer", answer)

    @property
    def timer_ns(self) -> int | None:
        """When the policy wants to be called."""
        return self._ask("timer_ns", lambda policy: validate.later(policy.timer_ns))

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Who keeps what is left of a slice."""
        return self._ask("keeps_slice", lambda policy: validate.reasons(policy.keeps_slice))

    # What the screen asks

    @property
    def starves(self) -> bool:
        """What it says of itself."""
        return self._ask("starves", lambda policy: validate.truth(policy.starves))

    @property
    def idles(self) -> bool:
        """What it says of itself."""
        return self._ask("idles", lambda policy: validate.truth(policy.idles))

    @property
    def kind(self) -> type[Policy]:
        """The class of whoever schedules."""
        return type(self._policy)

    def why(self, task: Task) -> Clause:
        return self._ask("why", lambda policy: validate.clause(policy.why(task)))

    def queues(self) -> Sequence[Queue]:
        return self._ask("queues", lambda policy: validate.queues(policy.queues()))

    def figures(self, task: Task) -> dict[str, Figure]:
        return self._ask("figures", lambda policy: validate.figures(policy.figures(task)))

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
        return self._ask("parameters", lambda policy: validate.parameters(policy.parameters))

    def described(self) -> list[ParameterView]:
        return self._ask("described", lambda policy: policy.described())

    @property
    def written(self) -> dict[str, str]:
        """The parameters of the policy that is guarded, also after it has failed: its next version shall have them."""
        return self._written
