"""Stands between the kernel and a policy from a file, so that the run goes on whatever the policy does.

If the policy raises, returns an invalid answer or does not return in time, first come, first served takes over, and a
fault names the file and line. The policy sees tasks through read-only views. The kernel only gets READY tasks, slices
in a sane range, truth values and text that is safe to print.

Every operation on the policy's objects may run its author's code: a call, reading an attribute, comparing an answer,
printing an exception, freeing one. All of these are done here, under the time limit.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
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
#: The tasks that may preempt (None: all), and when the timer is due next.
TimerAnswer = tuple[list[Task] | None, int | None]

#: Policies are kept, with their guards, because freeing one may run its author's code.
_kept: list[Guard] = []
#: Characters of a class's docstring.
_MAX_DESCRIPTION = 10_000


class CheckedHandle:
    """Passes a guarded policy's calls on to the kernel after checking them. ``owner``: the guard whose views the policy
    has."""

    def __init__(self, kernel: KernelHandle, owner: object) -> None:
        self._kernel, self._owner = kernel, owner

    @property
    def attended(self) -> bool:
        """Whether there is a user who can be asked."""
        return self._kernel.attended

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Record an action of the policy."""
        self._note(validate.clause(clause), None if task is None else self._real(task))

    def renew(self, task: Task) -> None:
        """Give a task a new slice."""
        self._renew(self._real(task))

    def fault(self, what: Clause, task: Task | None = None) -> None:
        """Record a note: a policy from a file cannot cause faults."""
        self.note(what, task)

    def failed(self, what: Clause) -> None:
        """Do nothing: only a guard may report a failure."""

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
    """Behaves like ``policy`` until that fails. Creating a guard may raise anything, because it reads the policy's
    attributes."""

    def __init__(self, policy: Policy, alarm: TimeLimit = NO_LIMIT) -> None:
        seed, source = policy.seed, policy.source
        self.seed = seed if type(seed) is int else 1
        self.source = validate.plain(source)
        self._policy = policy
        _kept.append(self)
        self._alarm = alarm
        self._class = _likeness(type(policy))
        self._written = validate.written(policy.written)
        #: The READY tasks by the ``id`` of the view that the policy has of each.
        self._ready: dict[int, Task] = {}

    def _ask(self, callback: str, question: Callable[[Policy], A]) -> A:
        """Return the policy's answer; if it fails, that of its successor."""
        what: Clause | None = None
        try:
            with self._alarm:
                try:
                    return question(self._policy)
                except BaseException as error:
                    what = failure(self._policy, callback, error)
                # by now the exception is freed, and with it all that its frames referred to
        except BaseException:  # raised by its __str__, its class, or when it is freed
            what = what or self._bare(callback)
        self._replace(what)
        return question(self._policy)

    def _tell(self, callback: str, news: Callable[[Policy], object]) -> None:
        """Call the policy without an answer. If it fails, the successor need not be called: it knows all tasks."""
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
        """Return the fault of the exception that is being handled, without running its code."""
        kind, _, traceback = sys.exc_info()
        return bare(self._class.name, callback, kind, traceback)

    def _replace(self, what: Clause) -> None:
        """Let first come, first served take over, the longest READY task first."""
        successor = FirstComeFirstServed(seed=self.seed)
        successor.kernel = self.kernel
        for task in self._ready.values():
            successor.enqueue(task, "admitted", 0)  # at whatever time
        self._policy, self._class = successor, FirstComeFirstServed
        self._ready = {id(task): task for task in self._ready.values()}
        self.kernel.failed(Clause(what.rule, {**what.figures, "successor": successor.name}))

    def _seen(self, task: Task) -> Task:
        """Return a task as the current policy sees it: the view, or the task itself for our own policy."""
        if self._class is FirstComeFirstServed:
            return task
        view: TaskView | None = task.view
        return view if view is not None and view._owner is self else view_of(task, self)

    def _handle(self) -> CheckedHandle:
        """Return the policy's interface to the kernel."""
        return CheckedHandle(self.kernel, self)

    # Called by the kernel

    def start(self, now_ns: int) -> None:
        def begin(policy: Policy) -> None:
            policy.kernel = self._handle()
            policy.start(now_ns)

        self._tell("start", begin)

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        seen = self._seen(task)
        self._ready[id(seen)] = task
        self._tell("enqueue", lambda policy: policy.enqueue(seen, reason, now_ns))

    def pick(self, cpu: int, now_ns: int) -> Task | None:
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

        def answer(policy: Policy) -> TimerAnswer:
            tasks = validate.all_ready(policy.timer(now_ns), self._ready)
            return tasks, validate.later(policy.timer_ns, now_ns)

        return self._ask("timer", answer)[0]

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        seen = self._seen(task)
        return self._ask("waits", lambda policy: validate.all_ready(policy.waits(seen, now_ns), self._ready))

    @property
    def timer_ns(self) -> int | None:
        """When the policy's timer is due."""
        return self._ask("timer_ns", lambda policy: validate.later(policy.timer_ns))

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Reasons after which a task keeps its slice."""
        return self._ask("keeps_slice", lambda policy: validate.reasons(policy.keeps_slice))

    # For the screen

    @property
    def starves(self) -> bool:
        """Whether the policy declares that a task may starve."""
        return self._ask("starves", lambda policy: validate.truth(policy.starves))

    @property
    def idles(self) -> bool:
        """Whether the policy declares that a CPU may be idle."""
        return self._ask("idles", lambda policy: validate.truth(policy.idles))

    @property
    def kind(self) -> type[Policy]:
        """The class of the policy that schedules; for a class from a file, a likeness of it."""
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
        """The parameters of the guarded policy, also after it has failed, so that a reloaded version gets them."""
        return self._written


def kept() -> int:
    """Return how many policies are kept."""
    return len(_kept)


def free_kept(first: int, alarm: TimeLimit, cycles: bool) -> None:
    """Free the policies of a finished run, those from number ``first`` on, which otherwise are kept until the process
    exits. ``cycles``: also what refers to itself, which takes longer to find."""
    with suppress(BaseException), alarm:
        while len(_kept) > first:
            del _kept.pop()._policy
        if cycles:
            gc.collect()


def _likeness(kind: type[Policy]) -> type[Policy]:
    """Return a class with the same declarations, whose attributes can be read without running the author's code."""
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
    """Mark a class that overrides ``preempts``; it is never called."""
    return False
