"""A policy's answers in a run as data: logged in the policy's process, and replayed in the process that judges it.

The answers are in the order of the kernel's questions, and two kernels that get the same answers ask the same
questions. Therefore a log needs no names: forged answers are just those of another policy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar, cast, get_args

from sandbox.model.clause import Clause, Figure
from sandbox.model.reasons import DescheduledReason, ReadyReason
from sandbox.policies import GuardMaker
from sandbox.policies.base import KernelHandle, Policy, Task
from sandbox.policies.host import validate
from sandbox.policies.host.failures import Reported
from sandbox.policies.host.guard import CheckedHandle, Guard, TimerAnswer
from sandbox.util.text import clean
from sandbox.util.timeout import TimeLimit

A = TypeVar("A")
Log = list[Any]

_REASONS: tuple[DescheduledReason, ...] = get_args(DescheduledReason)
#: The tags of log entries that are no answers: actions of the policy, and its failure, which ends the log.
_NOTE, _RENEW, _FAIL = "note", "renew", "fail"
#: The rules and figures that a failure may have, and their greatest lengths in characters.
_RULES = ("policy raises", "policy takes too long", "policy answers nonsense")
_TEXTS = ("policy", "callback", "file", "code", "error", "answer", "allowed", "traceback")
_MAX_TEXT, _MAX_TRACEBACK = 500, 4_000


#: The fault if the log's answers do not fit the questions.
MISFIT = Clause("answers do not fit")


class Failed(Exception):
    """The policy has failed, which ends its run."""


class LoggingGuard(Guard):
    """A guard that logs each answer, and raises Failed when the policy fails."""

    def __init__(self, policy: Policy, alarm: TimeLimit, log: Log) -> None:
        super().__init__(policy, alarm)
        self._log = log

    def _ask(self, callback: str, question: Callable[[Policy], A]) -> A:
        answer = super()._ask(callback, question)
        self._log.append(_PACKED.get(callback, _as_it_is)(answer))
        return answer

    def _tell(self, callback: str, news: Callable[[Policy], object]) -> None:
        super()._tell(callback, news)
        self._log.append(0)  # marks the end of the call: actions after it belong to the next one

    def _replace(self, what: Clause) -> None:
        self._log.append([_FAIL, what.rule, what.figures])
        raise Failed

    def _handle(self) -> CheckedHandle:
        return _LoggingHandle(self.kernel, self, self._log)


def logging_in(log: Log) -> GuardMaker:
    """Return a maker of guards that log the answers in ``log``."""
    return lambda policy, alarm: LoggingGuard(policy, alarm, log)


class _LoggingHandle(CheckedHandle):
    def __init__(self, kernel: KernelHandle, owner: object, log: Log) -> None:
        super().__init__(kernel, owner)
        self._log = log

    def _note(self, clause: Clause, task: Task | None) -> None:
        self._log.append([_NOTE, clause.rule, clause.figures, None if task is None else task.pid])
        super()._note(clause, task)

    def _renew(self, task: Task) -> None:
        self._log.append([_RENEW, task.pid])
        super()._renew(task)


def _as_it_is(answer: Any) -> Any:
    return answer


def _pid(task: Task | None) -> int | None:
    return None if task is None else task.pid


def _pids(tasks: list[Task] | None) -> list[int] | None:
    return None if tasks is None else [task.pid for task in tasks]


def _timer(answer: TimerAnswer) -> list[object]:
    tasks, timer_ns = answer
    return [_pids(tasks), timer_ns]


def _parts(clause: Clause) -> list[object]:
    return [clause.rule, clause.figures]


def _bits(reasons: Collection[DescheduledReason]) -> int:
    return sum(1 << index for index, reason in enumerate(_REASONS) if reason in reasons)


_PACKED: dict[str, Callable[[Any], Any]] = {
    "pick": _pid,
    "timer": _timer,
    "waits": _pids,
    "why": _parts,
    "keeps_slice": _bits,
}


class Replayed(Policy):
    """Returns the answers of a log. They are as untrusted as the policy itself, so it has to be wrapped in a guard."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._left = deque(log)
        self._seen: dict[int, Task] = {}
        #: The next time of the timer, which is a part of the answer of ``timer``.
        self._after_timer: list[Any] = []

    @property
    def done(self) -> bool:
        """Whether all answers of the log were used."""
        return not self._left

    def _answer(self, callback: str, *arguments: object) -> Any:
        """Return the next answer of the log, after repeating the policy's actions that come before it."""
        while self._left:
            entry = self._left.popleft()
            match entry:
                case ["note", str(rule), dict(figures), pid]:
                    self.note(Clause(rule, figures), None if pid is None else self._seen[pid])
                case ["renew", int(pid)]:
                    self.renew(self._seen[pid])
                case ["fail", str(rule), dict(figures)]:
                    self._left.clear()
                    raise Reported(failure_of(rule, figures))
                case _:
                    return entry
        raise Reported(MISFIT)

    # Called by the kernel

    def start(self, now_ns: int) -> None:
        self._answer("start", now_ns)

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._seen[task.pid] = task
        self._answer("enqueue", task, reason, now_ns)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        answer = self._answer("pick", cpu, now_ns)
        return cast(Task, self._seen.get(answer, answer) if type(answer) is int else answer)

    def slice(self, task: Task) -> int | None:
        return cast(int, self._answer("slice", task))

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return cast(bool, self._answer("preempts", task, running, now_ns))

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._answer("stopping", task, ran_ns, now_ns)

    def remove(self, task: Task) -> None:
        self._answer("remove", task)

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        pids, timer_ns = self._answer("timer", now_ns)
        self._after_timer = [timer_ns]
        return self._tasks(pids)

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        return self._tasks(self._answer("waits", task, now_ns))

    def _tasks(self, pids: list[int] | None) -> list[Task] | None:
        return None if pids is None else [self._seen[pid] for pid in pids]

    def why(self, task: Task) -> Clause:
        rule, figures = self._answer("why", task)
        return Clause(rule, figures)

    @property
    def parameters(self) -> dict[str, object]:
        return cast(dict[str, object], self._answer("parameters"))

    @property
    def timer_ns(self) -> int | None:
        """When the timer is due next, according to the log."""
        return cast(int, self._after_timer.pop() if self._after_timer else self._answer("timer_ns"))

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Reasons after which a task keeps its slice, according to the log."""
        bits = self._answer("keeps_slice")
        return tuple(reason for index, reason in enumerate(_REASONS) if bits >> index & 1)


def failure_of(rule: str, figures: dict[str, Any]) -> Clause:
    """Return a reported failure with known figures only, as text that is safe to print."""
    kept: dict[str, Figure] = {}
    for name in _TEXTS:
        if isinstance(figures.get(name), str):
            most = _MAX_TRACEBACK if name == "traceback" else _MAX_TEXT
            kept[name] = clean(figures[name])[-most:] if name == "traceback" else validate.line(figures[name], most)
    if type(figures.get("line")) is int:
        kept["line"] = figures["line"]
    return Clause(rule if rule in _RULES else _RULES[0], {"callback": "", **kept})
