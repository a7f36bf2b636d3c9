"""Turns in a given order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from itertools import islice

from sandbox.model.rules import ORDER
from sandbox.model.states import State
from sandbox.model.values import BadValue
from sandbox.policies import (
    BUILT_IN,
    Choice,
    Clause,
    DescheduledReason,
    Duration,
    Figure,
    Parameter,
    Policy,
    Queue,
    ReadyReason,
    Task,
    Words,
    find,
)
from sandbox.policies.base import PREEMPTED, READY
from sandbox.util.units import write_duration

#: Turns of an order: as many as fit into a scenario's file.
MAX_TURNS = 100_000
#: How many turns ahead are looked at to sort the ready queue for the screen.
_AHEAD = 1_000


class Scripted(Policy):
    """The order of turns is given: each entry of ``order`` names the process that has the next one, for at most
    one quantum. An entry whose process cannot run is dropped, and the run reports it. After the last entry the policy
    ``then`` decides.

    Bad when the load differs from the one for which the order was made: much of the order cannot be kept.
    """

    name = "scripted"
    decides = False
    order = Parameter(Words(0, MAX_TURNS), [], "the process of each turn, by its name on the board")
    then = Parameter(
        Choice(*(name for name in BUILT_IN if name != "scripted")), "rr", "the policy after the last entry"
    )
    quantum = Parameter(
        Duration("100us", "60s", zero=True), "50ms", "the length of a time slice (0 ms: each runs until it blocks)"
    )

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._ready: dict[Task, None] = {}
        self._running: dict[Task, int] = {}
        self._begin()

    def _begin(self) -> None:
        """Go to the first entry."""
        self._given = list(self.order)
        self._left = deque(self._given)
        #: The processes named by entries, as far as they have been READY.
        self._named: dict[str, Task] = {}
        wanted = set(self._given)
        for task in (*self._ready, *self._running):
            if task.called in wanted:
                self._named[task.called] = task
        self._wanted = wanted
        #: The policy after the last entry, once it has taken over.
        self._next: Policy | None = None

    # The order

    def _turn(self) -> Task | None:
        """Return the READY task that has the next turn; None at the end of the order."""
        while self._left:
            name = self._left.popleft()
            task = self._named.get(name)
            if task in self._ready:
                return task
            self.kernel.fault(self._obstacle(name, task), task)
        return None

    def _obstacle(self, name: str, task: Task | None) -> Clause:
        """Return why this entry cannot be followed, and what its process waits for."""
        figures: dict[str, Figure] = {"who": name, "turn": len(self._given) - len(self._left), "of": len(self._given)}
        if task is None:
            return Clause(ORDER, {**figures, "state": "absent"})
        figures["state"] = task.state.value
        if task.state is State.BLOCKED and task.on is not None:
            figures |= {"on": task.on.rule, **{f"on.{key}": value for key, value in task.on.figures.items()}}
        return Clause(ORDER, figures)

    def _hand_over(self, now_ns: int) -> Policy:
        """Let the next policy take over, and tell it of all tasks."""
        kind = find(self.then)
        policy = self._next = kind(seed=self.seed)
        policy.kernel = self.kernel
        if self.quantum and any(parameter.name == "quantum" for parameter in kind.declared()):
            with suppress(BadValue):  # the range may differ there
                policy.set("quantum", write_duration(self.quantum))
        policy.start(now_ns)
        for task in (*self._running, *self._ready):
            task.data = None
        for task, cpu in self._running.items():
            policy.enqueue(task, "admitted", now_ns)
            policy.pick(cpu, now_ns)  # it is the only one there
        for task in self._ready:
            policy.enqueue(task, "admitted", now_ns)
        return policy

    # Called by the kernel

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._ready[task] = None
        if task.called in self._wanted:
            self._named[task.called] = task
        if self._next is not None:
            self._next.enqueue(task, reason, now_ns)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        if not self._ready:
            return None
        task = self._turn()
        if task is None:
            task = (self._next or self._hand_over(now_ns)).pick(cpu, now_ns)
        if task is not None:
            del self._ready[task]
            self._running[task] = cpu
        return task

    def slice(self, task: Task) -> int | None:
        return (self.quantum or None) if self._next is None else self._next.slice(task)

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return self._next is not None and self._next.preempts(task, running, now_ns)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        self._running.pop(task, None)
        if self._next is not None:
            self._next.stopping(task, ran_ns, now_ns)

    def remove(self, task: Task) -> None:
        self._ready.pop(task, None)
        if self._next is not None:
            self._next.remove(task)

    def prefer(self, task: Task) -> bool:
        if self._next is None and self.asks:
            self._hand_over(0)
        return self._next is not None and self._next.prefer(task)

    @property
    def asks(self) -> bool:
        """Whether a user makes the choices: after the last entry, if the next policy is ``manual``."""
        if self._next is None:
            return self.then == "manual" and not self._left
        return self._next.asks

    @property
    def timer_ns(self) -> int | None:
        """The timer of the policy after the last entry."""
        return None if self._next is None else self._next.timer_ns

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Reasons after which the current policy lets a task keep its slice."""
        return PREEMPTED if self._next is None else self._next.keeps_slice

    @property
    def starves(self) -> bool:
        """Whether the policy after the last entry may let a task starve."""
        return self._successor.starves

    @property
    def idles(self) -> bool:
        """Whether the policy after the last entry may leave a CPU idle."""
        return self._successor.idles

    @property
    def _successor(self) -> Policy:
        return self._next or find(self.then)()

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        return () if self._next is None else self._next.timer(now_ns)

    def retune(self, now_ns: int) -> None:
        if self.order != self._given:
            self._begin()
        elif self._next is not None:
            self._hand_over(now_ns)

    # For the screen

    def why(self, task: Task) -> Clause:
        if self._next is not None:
            return self._next.why(task)
        return Clause("turn in the order", {"turn": len(self._given) - len(self._left), "of": len(self._given)})

    def queues(self) -> Sequence[Queue]:
        if self._next is not None:
            return self._next.queues()
        turns = {name: place for place, name in reversed([*enumerate(islice(self._left, _AHEAD))])}
        by_turn = sorted(self._ready, key=lambda task: turns.get(task.called, _AHEAD))
        return [Queue(READY, tuple(by_turn), self.quantum or None)]

    def figures(self, task: Task) -> dict[str, Figure]:
        return {} if self._next is None else self._next.figures(task)
