"""Between the kernel and a policy that somebody else wrote: whatever that does, the run goes on.

If it raises, answers nonsense or does not answer in time, first come, first served takes over, and the fault tells
which line of whose file it was. The policy sees the kernel's tasks through views that it cannot write. The kernel gets
nothing from it but tasks that are ready, slices in a sane range, truth values and harmless words.

Each touch of the policy may run code of its author: a call, reading an attribute, comparing an answer, showing an
exception, letting go of one. All of these happen in here, and inside the alarm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar, cast

from sandbox.model.clause import Clause, Figure
from sandbox.model.queues import ParameterView
from sandbox.model.reasons import DescheduledReason, ReadyReason
from sandbox.model.spec import TIES
from sandbox.model.values import BadValue
from sandbox.policies.base import KernelHandle, Policy, Queue, Task
from sandbox.policies.fcfs import FirstComeFirstServed
from sandbox.policies.host import validate
from sandbox.policies.host.failures import bare, failure
from sandbox.policies.host.views import TaskView, task_of, view_of
from sandbox.util.text import clean
from sandbox.util.timeout import NO_LIMIT, TimeLimit

A = TypeVar("A")
#: Who may take a CPU now, and when the timer shall come next.
TimerAnswer = tuple[list[Task] | None, int | None]

#: Policies are let go with the process: the end of one, or of what it holds, may run its author's code at any time.
_kept: list[Policy] = []
#: Characters of a class's own description.
_MAX_DESCRIPTION = 10_000


class CheckedHandle:
    """What a guarded policy says to the kernel, checked. ``owner``: the guard whose views the policy has."""

    def __init__(self, kernel: KernelHandle, owner: object) -> None:
        self._kernel, self._owner = kernel, owner

    @property
    def attended(self) -> bool:
        """Whether a person is there, to be asked."""
        return self._kernel.attended

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Put the policy's own move on record."""
        self._note(validate.clause(clause), None if task is None else self._real(task))

    def renew(self, task: Task) -> None:
        """Let a task's slice begin anew."""
        self._renew(self._real(task))

    def fault(self, what: Clause, task: Task | None = None) -> None:
        """What a policy of somebody's own cannot do is a move of its own."""
        self.note(what, task)

    def failed(self, what: Clause) -> None:
        """Only a guard says so."""

    def _note(self, clause: Clause, task: Task | None) -> None:
        self._kernel.note(clause, task)

    def _renew(self, task: Task) -> None:
        self._kernel.renew(task)

    def _real(self, view: Task) -> Task:
        task = task_of(view, self._owner)
        if task is None:
            raise ValueError("this is no task that the policy was given")
        return task


class Guard(Policy):
    """Behaves as ``policy`` does, until that fails. To be made where its author's mistakes are expected: it asks the
    policy what it is."""

    def __init__(self, policy: Policy, alarm: TimeLimit = NO_LIMIT) -> None:
        seed, source = policy.seed, policy.source
        self.seed = seed if type(seed) is int else 1
        self.source = validate.plain(source)
        self._policy = policy
        _kept.append(policy)
        self._alarm = alarm
        self._class = _likeness(type(policy))
        self._written = validate.written(policy.written)
        #: Who is ready, by the identity of the view that the policy has of each.
        self._ready: dict[int, Task] = {}
        self._now_ns = 0

    def _ask(self, callback: str, question: Callable[[Policy], A]) -> A:
        """The policy's answer; that of its successor, if it has none."""
        what: Clause | None = None
        try:
            with self._alarm:
                try:
                    return question(self._policy)
                except BaseException as error:
                    what = failure(self._policy, callback, error)
                # the exception is gone by now, and with it all that its frames held
        except BaseException:  # in its own __str__, its class, its end
            what = what or self._bare(callback)
        self._replace(what)
        return question(self._policy)

    def _tell(self, callback: str, news: Callable[[Policy], object]) -> None:
        """Tell the policy; if it fails, its successor knows already."""
        what: Clause | None = None
        try:
            with self._alarm:
                try:
                    news(self._policy)
                except BaseException as error:
                    what = failure(self._policy, callback, error)
        except BaseException:  # as above
            what = what or self._bare(callback)
        if what is not None:
            self._replace(what)

    def _bare(self, callback: str) -> Clause:
        """What is known of the exception that is being handled."""
        kind, _, traceback = sys.exc_info()
        return bare(self._class.name, callback, kind, traceback)

    def _replace(self, what: Clause) -> None:
        """First come, first served takes over; whoever has been ready longest is first."""
        successor = FirstComeFirstServed(seed=self.seed)
        successor.kernel = self.kernel
        for task in self._ready.values():
            successor.enqueue(task, "admitted", self._now_ns)
        self._policy, self._class = successor, FirstComeFirstServed
        self._ready = {id(task): task for task in self._ready.values()}
        self.kernel.failed(Clause(what.rule, {**what.figures, "successor": successor.name}))

    def _seen(self, task: Task) -> Task:
        """A task as the present policy sees it: ours sees the task itself."""
        if self._class is FirstComeFirstServed:
            return task
        view: TaskView | None = task.view
        return view if view is not None and view._owner is self else view_of(task, self)

    def _handle(self) -> CheckedHandle:
        """What the policy may say to the kernel."""
        return CheckedHandle(self.kernel, self)

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        def begin(policy: Policy) -> None:
            policy.kernel = self._handle()
            policy.start(now_ns)

        self._tell("start", begin)

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._now_ns = now_ns
        seen = self._seen(task)
        self._ready[id(seen)] = task
        self._tell("enqueue", lambda policy: policy.enqueue(seen, reason, now_ns))

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        self._now_ns = now_ns
        task = self._ask("pick", lambda policy: validate.ready(policy.pick(cpu, now_ns), self._ready))
        if task is not None:
            del self._ready[id(self._seen(task))]
        return task

    def slice(self, task: Task) -> int | None:
        return self._ask("slice", lambda policy: validate.slice_ns(policy.slice(self._seen(task))))

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        def answer(policy: Policy) -> bool:
            return validate.truth(policy.preempts(self._seen(task), self._seen(running), now_ns))

        return self._ask("preempts", answer)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._tell("stopping", lambda policy: policy.stopping(self._seen(task), ran_ns, now_ns))
        if task.stopped == "exited":
            task.view = None

    def remove(self, task: Task) -> None:
        self._ready.pop(id(self._seen(task)), None)
        self._tell("remove", lambda policy: policy.remove(self._seen(task)))
        task.view = None

    def retune(self, now_ns: int) -> None:
        self._tell("retune", lambda policy: policy.retune(now_ns))

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        self._now_ns = now_ns

        def answer(policy: Policy) -> TimerAnswer:
            tasks = validate.all_ready(policy.timer(now_ns), self._ready)
            return tasks, validate.later(policy.timer_ns, now_ns)

        return self._ask("timer", answer)[0]

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        self._now_ns = now_ns
        seen = self._seen(task)
        return self._ask("waits", lambda policy: validate.all_ready(policy.waits(seen, now_ns), self._ready))

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
        """The class of whoever schedules; of somebody's own class, what there is to know of it."""
        return self._class

    def why(self, task: Task) -> Clause:
        return self._ask("why", lambda policy: validate.clause(policy.why(self._seen(task))))

    def queues(self) -> Sequence[Queue]:
        return self._ask("queues", lambda policy: validate.queues(policy.queues(), self._real))

    def _real(self, seen: object) -> Task | None:
        if self._class is FirstComeFirstServed and isinstance(seen, Task):
            return seen
        return task_of(seen, self)

    def figures(self, task: Task) -> dict[str, Figure]:
        return self._ask("figures", lambda policy: validate.figures(policy.figures(self._seen(task))))

    # Parameters

    def tune(self, name: str, text: str) -> None:
        refused: list[BadValue] = []

        def set_it(policy: Policy) -> None:
            try:
                policy.tune(name, text)
            except BadValue as bad:
                refused.append(validate.bad_value(bad))
            else:
                self._written = validate.written(policy.written)

        self._tell("tune", set_it)
        if refused:
            raise refused[0]

    def raw(self, name: str, text: str) -> object:
        return self._ask("raw", lambda policy: validate.parameters({"it": policy.raw(name, text)})["it"])

    @property
    def parameters(self) -> dict[str, object]:
        return self._ask("parameters", lambda policy: validate.parameters(policy.parameters))

    def described(self) -> list[ParameterView]:
        return self._ask("described", lambda policy: validate.described(policy.described()))

    @property
    def written(self) -> dict[str, str]:
        """The parameters of the policy that is guarded, also after it has failed: its next version shall have them."""
        return self._written


def _likeness(kind: type[Policy]) -> type[Policy]:
    """A class that says the same of itself, and runs nobody's code when it is asked."""
    said: dict[str, object] = {
        "name": validate.line(kind.name, 40),
        "ties": next(ties for ties in TIES if ties == kind.ties),
        "__module__": validate.plain(kind.__module__),
        "__doc__": clean(validate.plain(kind.__doc__))[:_MAX_DESCRIPTION] if isinstance(kind.__doc__, str) else None,
    }
    if kind.preempts is not Policy.preempts:
        said["preempts"] = _preempts
    return cast(type[Policy], type("Likeness", (Policy,), said))


def _preempts(policy: Policy, task: Task, running: Task, now_ns: int) -> bool:
    """Only whether there is one counts."""
    return False
