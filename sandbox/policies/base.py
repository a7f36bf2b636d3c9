"""What every scheduling policy is made of: the task it sees, its parameters, its callbacks.

A policy decides which task runs; it knows no machine, no signal and no screen. Its callbacks carry the names of
Linux's sched_ext where the meaning is the same. The defaults below are a plain FIFO queue, so that first come, first
served is an empty class and round robin adds one line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, overload

from sandbox.i18n import N_
from sandbox.model.clause import Clause, Figure
from sandbox.model.queues import ParameterView
from sandbox.model.reasons import DescheduledReason, ReadyReason
from sandbox.model.states import NEW
from sandbox.model.values import BadValue, Kind, nearest
from sandbox.util.text import clean_line

T = TypeVar("T")


class Task:
    """What a policy may know of a process. Only the kernel writes these fields, ``data`` excepted: a policy of your own
    gets a view that it cannot write. Times in ns."""

    __slots__ = (
        # Who it is; ``called``: its name on the board, which nobody else has; ``order``: its place in the scenario.
        "pid",
        "name",
        "called",
        "order",
        "arrived_ns",
        # What the scenario says of it; ``demand_ns``: all the CPU time that it declares (None: a real program).
        "priority",
        "nice",
        "tickets",
        "demand_ns",
        "period_ns",
        "deadline_ns",
        "estimate_ns",
        # Its state, and what it waits for, or waited for last.
        "state",
        "on",
        # CPU time used so far, and since when it has been in its present state.
        "cpu_ns",
        "since_ns",
        # The CPU burst in hand, or to come: its declared length (None: unknown), the CPU time used before it.
        "burst_ns",
        "before_ns",
        # By when its job in hand shall be done (None: no deadline, or no job in hand).
        "due_ns",
        # Those who have what it waits for, as far as that is known; nobody while it does not wait for others.
        "waits_for",
        # Why it left the CPU last, and what is then left of its slice (None: a slice without end).
        "stopped",
        "left_ns",
        # Whatever the policy wants to remember of it; None again when another policy takes over.
        "data",
        # What a policy of somebody's own sees in the place of it.
        "view",
    )

    def __init__(self, pid: int, name: str, arrived_ns: int = 0, order: int | None = None) -> None:
        self.pid = pid
        self.name = self.called = name
        self.order = pid if order is None else order
        self.arrived_ns = arrived_ns
        self.priority = 0
        self.nice = 0
        self.tickets = 100
        self.demand_ns: int | None = None
        self.period_ns: int | None = None
        self.deadline_ns: int | None = None
        self.estimate_ns: int | None = None
        self.state = NEW
        self.on: Clause | None = None
        self.cpu_ns = 0
        self.since_ns = arrived_ns
        self.burst_ns: int | None = None
        self.before_ns = 0
        self.due_ns: int | None = None
        self.waits_for: tuple[Task, ...] = ()
        self.stopped: DescheduledReason | None = None
        self.left_ns: int | None = None
        self.data: Any = None
        self.view: Any = None

    @property
    def own(self) -> Any:
        """``data``, as the first policies called it."""
        return self.data

    @own.setter
    def own(self, data: Any) -> None:
        self.data = data

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
    """One of a policy's queues as the screen shows it: who would be next stands first. ``slice_ns``: how long each
    may run from here (None: it differs, or has no end)."""

    name: Clause | str
    tasks: Sequence[Task]
    slice_ns: int | None = None


class KernelHandle(Protocol):
    """What a policy may ask of the kernel that it is installed in."""

    @property
    def attended(self) -> bool:
        """Whether a person is there, to be asked."""
        ...

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Put a policy's own move on record."""
        ...

    def renew(self, task: Task) -> None:
        """Let a task's slice begin anew: at once if it is on a CPU, else when it gets there."""
        ...

    def fault(self, what: Clause, task: Task | None = None) -> None:
        """Put on record that something cannot be done as it was wanted."""
        ...

    def failed(self, what: Clause) -> None:
        """The policy failed, and another one has replaced it."""
        ...


class NullKernel:
    """The kernel of a policy that is not installed."""

    attended = False

    def note(self, clause: Clause, task: Task | None = None) -> None: ...
    def renew(self, task: Task) -> None: ...
    def fault(self, what: Clause, task: Task | None = None) -> None: ...
    def failed(self, what: Clause) -> None: ...


HEAD = Clause("head of the ready queue")
READY = Clause("ready queue")
#: Characters of a parameter's value where it can be changed.
_MAX_VALUE = 20_000
PREEMPTED: tuple[DescheduledReason, ...] = ("preempted",)

if TYPE_CHECKING:
    constant = property
else:

    def constant(get: Callable[[Any], object]) -> object:
        """What is a property to the type checker, so that a subclass may make it one, is its plain value at run time:
        the kernel reads it at every decision, and a class or an instance may assign another."""
        return get(None)


class Policy:
    """First come, first served, unless a subclass says otherwise."""

    name: ClassVar[str] = ""
    ties: ClassVar[str] = "arrival-first"
    #: Figures of a process, such as ``period_ns``: where no process has any of them, this policy has nothing to go by.
    needs: ClassVar[tuple[str, ...]] = ()
    #: Whether it decides anything itself: what only does as it is told is compared with others only if a scenario is
    #: made for it.
    decides: ClassVar[bool] = True
    #: How it can be found again: its name, or ``file.py:Class``.
    source: str = ""
    #: The kernel, once the policy is installed.
    kernel: KernelHandle = NullKernel()

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        """Raises BadValue for unknown parameters and values out of their range, all at once."""
        self.seed = seed
        self.queue: deque[Task] = deque()
        for parameter in self.declared():
            self.__dict__[parameter.name] = parameter.kind.read(parameter.default)
        faults: list[tuple[str, Clause]] = []
        for name, raw in (parameters or {}).items():
            try:
                self.set(name, raw)
            except BadValue as bad:
                faults += [(inside or f".{clean_line(name, 40)}", clause) for inside, clause in bad.faults]
        if faults:
            raise BadValue.all(faults)

    # What a policy declares: a plain class attribute in most, a property where it depends on parameters

    @constant
    def idles(self) -> bool:
        """Whether it may let a CPU stand idle while a task is ready. ``ossandbox check`` holds all others to it."""
        return False

    @constant
    def starves(self) -> bool:
        """Whether it may keep a task waiting for ever while others come and go; checked likewise."""
        return False

    @constant
    def asks(self) -> bool:
        """Whether a person makes its choices: if one is there, the machine stops before each between several."""
        return False

    @constant
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """A task that leaves the CPU for one of these reasons keeps what is left of its slice."""
        return PREEMPTED

    @constant
    def timer_ns(self) -> int | None:
        """When the kernel shall call ``timer`` next, in ns since boot; None: never."""
        return None

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        """The policy takes over: at boot, or in the middle of a run. Then it is told of every process on a CPU, each
        as if it came alone and were picked, and of every ready one."""

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
        """``task`` leaves the CPU after using ``ran_ns`` of CPU time; ``task.stopped`` says why."""

    def remove(self, task: Task) -> None:
        """A ready task is gone (killed): forget it."""
        if task in self.queue:
            self.queue.remove(task)

    def prefer(self, task: Task) -> bool:
        """A person, or a script, wants this one to be next. Returns whether that counts here."""
        return False

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        """``timer_ns`` has come; set the next one. Returns the ready tasks that may now take a CPU from another one;
        None: any of them."""

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        """For whom a blocked ``task`` waits is known from now on (``task.waits_for``), or is no longer so. Returns the
        ready tasks that may now take a CPU from another one, as ``timer`` does. Real processes only: in virtual time
        nobody waits for somebody else."""
        return ()

    def retune(self, now_ns: int) -> None:
        """Parameters were changed in the middle of a run: work out anew what follows from them."""

    # What the screen asks

    def why(self, task: Task) -> Clause:
        """Which rule chose the task just picked, with its figures."""
        return HEAD

    def queues(self) -> Sequence[Queue]:
        """The policy's own queues, best first."""
        return [Queue(READY, tuple(self.queue))]

    def figures(self, task: Task) -> dict[str, Figure]:
        """What the policy knows of a task: its level, its virtual runtime, …"""
        return {}

    @property
    def kind(self) -> type[Policy]:
        """The class of whoever decides."""
        return type(self)

    # What it says to the kernel

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Put a move of its own on record."""
        self.kernel.note(clause, task)

    def renew(self, task: Task) -> None:
        """Let a task's slice begin anew: at once if it is on a CPU, else when it gets there."""
        self.kernel.renew(task)

    # Parameters

    @classmethod
    def declared(cls) -> Iterator[Parameter[Any]]:
        """The policy's parameters, in the order of their declaration."""
        seen: dict[str, Parameter[Any]] = {}
        for owner in reversed(cls.__mro__):
            seen |= {name: item for name, item in vars(owner).items() if isinstance(item, Parameter)}
        return iter(seen.values())

    def set(self, name: str, raw: object) -> None:
        """Set a parameter from a value as files carry it. Raises BadValue."""
        self._put(name, self._kind(name).read, raw)

    def tune(self, name: str, text: str) -> None:
        """Set a parameter from what a person typed. Raises BadValue."""
        self._put(name, self._kind(name).parse, text)

    def raw(self, name: str, text: str) -> object:
        """What a person typed for a parameter, as files carry it. Raises BadValue."""
        kinds = {parameter.name: parameter.kind for parameter in self.declared()}
        return kinds[name].raw(text) if name in kinds else text

    @property
    def parameters(self) -> dict[str, object]:
        """The values in force, as JSON carries them: durations in ns, with names that end in ``_ns``."""
        return {
            parameter.name + ("_ns" if parameter.kind.is_time else ""): getattr(self, parameter.name)
            for parameter in self.declared()
        }

    @property
    def written(self) -> dict[str, str]:
        """The values in force, as a person would type them."""
        return {parameter.name: parameter.kind.write(getattr(self, parameter.name)) for parameter in self.declared()}

    def described(self) -> list[ParameterView]:
        """The parameters for somebody who may change them, in harmless words."""
        return [
            ParameterView(
                clean_line(parameter.name, 40),
                clean_line(parameter.kind.write(getattr(self, parameter.name)), _MAX_VALUE),
                clean_line(parameter.kind.range()),
                clean_line(parameter.says),
            )
            for parameter in self.declared()
        ]

    @classmethod
    def _kind(cls, name: str) -> Kind[Any]:
        kinds = {parameter.name: parameter.kind for parameter in cls.declared()}
        if name not in kinds:
            allowed, hint = " | ".join(kinds) or N_("none"), nearest(name, [*kinds])
            raise BadValue("no such parameter", value=clean_line(name, 40), policy=cls.name, allowed=allowed, hint=hint)
        return kinds[name]

    def _put(self, name: str, convert: Callable[[Any], object], raw: object) -> None:
        try:
            self.__dict__[name] = convert(raw)
        except BadValue as bad:
            raise BadValue.all([(f".{name}{inside}", clause) for inside, clause in bad.faults]) from None
