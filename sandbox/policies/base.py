"""What every scheduling policy is made of: the task it sees, its parameters, its callbacks.

A policy decides who runs; it knows no machine, no signal and no screen. Its callbacks carry the
names of Linux's sched_ext where the meaning is the same. The defaults below are a plain FIFO queue,
so that first come, first served is an empty class and round robin adds one line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, overload

from sandbox.events import Clause, ReadyReason
from sandbox.kinds import Kind, Refused, nearest

T = TypeVar("T")


class Task:
    """What a policy may know of a process. Only the kernel writes these fields.

    Times in ns. ``cpu_ns``: CPU time used so far. ``order``: its place in the scenario. ``demand_ns``: all
    the CPU time that it declares (None: a real program).
    """

    __slots__ = (
        "arrived_ns",
        "cpu_ns",
        "deadline_ns",
        "demand_ns",
        "estimate_ns",
        "name",
        "nice",
        "order",
        "period_ns",
        "pid",
        "priority",
        "tickets",
    )

    def __init__(self, pid: int, name: str, arrived_ns: int = 0, order: int | None = None) -> None:
        self.pid = pid
        self.name = name
        self.order = pid if order is None else order
        self.arrived_ns = arrived_ns
        self.cpu_ns = 0
        self.priority = 0
        self.nice = 0
        self.tickets = 100
        self.demand_ns: int | None = None
        self.period_ns: int | None = None
        self.deadline_ns: int | None = None
        self.estimate_ns: int | None = None

    def __repr__(self) -> str:
        return f"<{self.pid} {self.name}>"


class Parameter(Generic[T]):
    """A typed parameter of a policy, with its unit and range: ``quantum = Parameter(Duration(), "50ms", "…")``.

    Read from a policy it is the value; ``Policy.set`` checks and sets it.
    """

    def __init__(self, kind: Kind[T], default: object, says: str) -> None:
        self.kind, self.default, self.says = kind, default, says

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, policy: None, owner: type) -> Parameter[T]: ...
    @overload
    def __get__(self, policy: object, owner: type) -> T: ...
    def __get__(self, policy: object | None, owner: type) -> T | Parameter[T]:
        return self  # a policy has the value in its own dictionary, which is looked at first


class Queue(NamedTuple):
    """One of a policy's queues as the board shows it: who would be next stands first."""

    name: str
    tasks: Sequence[Task]


class Note(Protocol):
    """Where a policy puts its own moves on record."""

    def __call__(self, clause: Clause, task: Task | None = None) -> None: ...


def _nobody_listens(clause: Clause, task: Task | None = None) -> None:
    """A policy that is not installed has nobody to tell."""


HEAD = Clause("head of the ready queue")


class Policy:
    """First come, first served, unless a subclass says otherwise."""

    name: ClassVar[str] = ""
    ties: ClassVar[str] = "arrival-first"
    #: Figures of a process, such as ``period_ns``, without which this policy decides like another one.
    needs: ClassVar[tuple[str, ...]] = ()
    #: Declared, not forbidden: it may let a CPU stand idle while somebody is ready; it may keep somebody waiting for
    #: ever while others come and go. ``ossandbox check`` holds every other policy to the contrary.
    idles: bool = False
    starves: bool = False
    #: When the kernel shall call ``timer`` next, in ns since boot; None: never.
    timer_ns: int | None = None

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        """Raises Refused for an unknown parameter or a value out of its range."""
        self.seed = seed
        self.queue: deque[Task] = deque()
        self.note: Note = _nobody_listens
        for parameter in self.declared():
            self.__dict__[parameter.name] = parameter.kind.read(parameter.default)
        for name, raw in (parameters or {}).items():
            self.set(name, raw)

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        """The policy takes over: at boot, or in the middle of a run."""

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """``task`` became ready. A preempted one goes back to the head, all others to the tail."""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """Take the next task for ``cpu`` out of the queues; None leaves the CPU idle."""
        return self.queue.popleft() if self.queue else None

    def slice(self, task: Task) -> int | None:
        """How long the picked task may run, in ns; None: until it blocks."""
        return None

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """Whether ``task``, just made ready, takes the CPU from ``running`` at once."""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """``task`` leaves the CPU after using ``ran_ns`` of CPU time."""

    def remove(self, task: Task) -> None:
        """A ready task is gone (killed): forget it."""
        if task in self.queue:
            self.queue.remove(task)

    def timer(self, now_ns: int) -> None:
        """``timer_ns`` has come; set the next one."""

    # What the screen asks

    def why(self, task: Task) -> Clause:
        """Which rule chose the task just picked, with its figures."""
        return HEAD

    def queues(self) -> list[Queue]:
        """The policy's own queues, best first."""
        return [Queue("ready", tuple(self.queue))]

    # Parameters

    @classmethod
    def declared(cls) -> Iterator[Parameter[Any]]:
        """The policy's parameters, in the order of their declaration."""
        seen: dict[str, Parameter[Any]] = {}
        for owner in reversed(cls.__mro__):
            seen |= {name: item for name, item in vars(owner).items() if isinstance(item, Parameter)}
        return iter(seen.values())

    def set(self, name: str, raw: object) -> None:
        """Set a parameter from the value that a person wrote. Raises Refused."""
        kinds = {parameter.name: parameter.kind for parameter in self.declared()}
        if name not in kinds:
            allowed, hint = " | ".join(kinds) or "none", nearest(name, [*kinds])
            raise Refused("no such parameter", value=name, policy=self.name, allowed=allowed, hint=hint)
        self.__dict__[name] = kinds[name].read(raw)

    @property
    def parameters(self) -> dict[str, object]:
        """The values in force, as JSON carries them: durations in ns, with names that end in ``_ns``."""
        return {
            parameter.name + ("_ns" if parameter.kind.is_time else ""): getattr(self, parameter.name)
            for parameter in self.declared()
        }
