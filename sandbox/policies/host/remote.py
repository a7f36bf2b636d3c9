"""A policy in another process that is called over pipes, so that untrusted code can schedule real processes.

Both ends are here. In the policy's process, ``Seated`` keeps a copy of the tasks and logs the policy's answers. In the
kernel process, ``Remote`` sends what has changed of the tasks, and returns these answers.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import msgspec

from sandbox.model.clause import Clause
from sandbox.model.spec import Guest, MachineSpec
from sandbox.model.states import EXITED, State
from sandbox.model.values import BadValue
from sandbox.policies import build
from sandbox.policies.base import Policy, Task
from sandbox.policies.host import validate
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.failures import Reported
from sandbox.policies.host.guard import Guard
from sandbox.policies.host.replay import MISFIT, Failed, Log, Replayed, logging_in
from sandbox.util.timeout import TimeLimit, Timeout

#: The fields of a task that are sent, in this order.
_FIELDS = tuple(name for name in Task.__slots__ if name not in ("pid", "waits_for", "data", "view"))
#: Bytes of the answer to one call.
_MAX_ANSWER = 1 << 20
_ENDS = Clause("ends the process", {"reason": ""})

#: A task's pid, the pids that it waits for, and its fields.
Told = tuple[int, list[int], list[Any]]


class Seat(msgspec.Struct, frozen=True, tag_field="message", tag=True):
    """Request: create the policy that is called from now on. ``nonce``: a random number of the request, so that an
    answer cannot be prepared in advance."""

    nonce: int
    source: str
    parameters: dict[str, object]
    seed: int
    quantum_ns: int | None


class Call(msgspec.Struct, frozen=True, tag_field="message", tag=True):
    """Request: one call of the policy. ``tasks``: those that have changed; ``arguments``: with pids in place of tasks;
    ``past``: pids of tasks that are not needed any more."""

    nonce: int
    callback: str
    tasks: list[Told]
    arguments: list[Any]
    past: list[int] = []


class Said(msgspec.Struct, frozen=True, tag_field="message", tag=True):
    """Answer to a request: the policy's answers, in the form of ``replay``'s log."""

    nonce: int
    answers: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Said).decode
_decode_answers = msgspec.json.Decoder(list[Any]).decode


class Seated:
    """The end in the policy's process."""

    def __init__(self, seat: Seat, alarm: TimeLimit) -> None:
        """Raises BadValue if there is no such policy."""
        self._log: Log = []
        self._tasks: dict[int, Task] = {}
        spec = MachineSpec(policy=seat.source, parameters=seat.parameters, seed=seat.seed, quantum_ns=seat.quantum_ns)

        self._guard = build(spec, alarm=alarm, guard=logging_in(self._log))

    def answer(self, call: Call) -> Said:
        """Call the policy."""
        for told in call.tasks:
            self._take(told)
        for pid, waits_for, _ in call.tasks:  # possibly for each other
            self._tasks[pid].waits_for = tuple(self._tasks[each] for each in waits_for)
        try:
            _CALLS[call.callback](self._guard, *self._arguments(call))
        except Failed:
            pass  # the failure is in the log
        for pid in call.past:
            self._tasks.pop(pid, None)
        said = Said(call.nonce, msgspec.Raw(_encode(self._log)))
        self._log.clear()
        return said

    def _take(self, told: Told) -> None:
        pid, _, values = told
        task = self._tasks.get(pid)
        if task is None:
            task = self._tasks[pid] = Task(pid, "")
        for name, value in zip(_FIELDS, values, strict=True):
            setattr(task, name, value)
        task.state, task.on = State(task.state), msgspec.convert(task.on, Clause | None)

    def _arguments(self, call: Call) -> list[Any]:
        tasks = _TASKS.get(call.callback, 0)
        return [self._tasks[value] if index < tasks else value for index, value in enumerate(call.arguments)]


#: The callbacks that may be called, and how many of their first arguments are tasks.
_CALLS: dict[str, Callable[..., object]] = {
    name: getattr(Guard, name)
    for name in ("start", "enqueue", "pick", "slice", "preempts", "stopping", "remove", "timer", "waits", "why")
} | {
    name: partial(lambda name, guard: getattr(guard, name), name) for name in ("parameters", "keeps_slice", "timer_ns")
}
_TASKS = {"enqueue": 1, "slice": 1, "preempts": 2, "stopping": 1, "remove": 1, "waits": 1, "why": 1}


class Line:
    """The connection to the policy's process. ``asks``: the descriptor to write to; ``hears``: the one to read from."""

    def __init__(self, asks: int, hears: int) -> None:
        self._asks, self._hears = asks, hears
        self._heard = bytearray()
        self._selector = DefaultSelector()
        self._selector.register(hears, EVENT_READ)
        for descriptor in (asks, hears):
            os.set_inheritable(descriptor, False)
        if sys.platform != "win32":
            os.set_blocking(asks, True)

    def ask(self, question: Seat | Call) -> list[Any]:
        """Send a request and wait for the answers. The caller limits the time. Raises Reported."""
        unsent = memoryview(_encode(question) + b"\n")
        try:
            while unsent:
                unsent = unsent[os.write(self._asks, unsent) :]
            said = _decode(self._line())
        except OSError:
            raise Reported(_ENDS) from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Reported(MISFIT) from None
        if said.nonce != question.nonce:
            raise Reported(MISFIT)
        return _decode_answers(bytes(said.answers))

    def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            self._selector.select()
            data = os.read(self._hears, 1 << 16)
            if not data:
                raise Reported(_ENDS)
            self._heard += data
            if len(self._heard) > _MAX_ANSWER:
                raise Reported(MISFIT)
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line


class Remote(Replayed):
    """The end in the kernel process: a policy that forwards all calls. It has to be wrapped in a guard."""

    def __init__(self, guest: Guest, spec: MachineSpec, line: Line) -> None:
        super().__init__([])
        self._line = line
        self._told: dict[int, Told] = {}
        self._left.extend(line.ask(Seat(_nonce(), guest.source, guest.parameters, spec.seed, spec.quantum_ns)))

    def _answer(self, callback: str, *arguments: object) -> Any:
        """Call the remote policy, then return its answer from the log."""
        tasks = [value for value in arguments if isinstance(value, Task)]
        past = self._past(callback, tasks)
        pids = [value.pid if isinstance(value, Task) else value for value in arguments]
        try:
            self._left.extend(self._line.ask(Call(_nonce(), callback, self._news(tasks), pids, past)))
        except Timeout:
            raise Reported(Clause("policy takes too long", {"policy": self.name, "callback": callback})) from None
        for pid in past:
            del self._told[pid], self._seen[pid]
        return super()._answer(callback)

    def _past(self, callback: str, tasks: Sequence[Task]) -> list[int]:
        """Return the pids of which this is the last call, or that have ended without one: those that were blocked."""
        last = {task.pid for task in tasks if _leaves(callback, task)}
        called = {task.pid for task in tasks}
        return [*last, *(pid for pid, task in self._seen.items() if task.state is EXITED and pid not in called)]

    def _news(self, tasks: Iterable[Task]) -> list[Told]:
        """Return what has changed of all known tasks. These, and those for which known ones wait, become known; a task
        that is blocked from its arrival was not enqueued before."""
        known = [*self._seen.values(), *tasks]
        for task in known:
            self._seen.setdefault(task.pid, task)
            known += (holder for holder in task.waits_for if holder.pid not in self._seen)
        news = []
        for pid, task in self._seen.items():
            told = (pid, [each.pid for each in task.waits_for], [getattr(task, name) for name in _FIELDS])
            if self._told.get(pid) != told:
                self._told[pid] = told
                news.append(told)
        return news


def _leaves(callback: str, task: Task) -> bool:
    """Whether this is the last call about a task."""
    return callback == "remove" or (callback == "stopping" and task.stopped == "exited")


class RemoteFactory(PolicyFactory):
    """Makes the guest first, then the policies that the operator asks for. ``line``: the connection to the guest."""

    def __init__(self, spec: MachineSpec, guest: Guest, line: Line, alarm: TimeLimit) -> None:
        super().__init__(spec, alarm=alarm)
        self._guest, self._line = guest, line

    def first(self) -> Policy:
        members = {"name": validate.line(self._guest.name, 40) or "policy", "ties": self._guest.ties}
        kind: type[Remote] = type("Remote", (Remote,), members)
        try:
            policy = kind(self._guest, self._spec, self._line)
        except Reported as reported:
            raise BadValue.all([("", reported.what)]) from None
        policy.source = self._guest.source
        return Guard(policy, self._alarm)


def _nonce() -> int:
    return secrets.randbits(62)
