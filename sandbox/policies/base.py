"""The base class of scheduling policies, the tasks that they see, and their parameters.

A policy decides which task runs. It knows no machine, no signals and no screen. Callbacks have the names of Linux's
sched_ext where the meaning is the same. The defaults are a plain FIFO queue, so that first come, first served is an
empty class and round robin adds one method.
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
    """A process as policies see it. Only the kernel writes the fields, except for ``data``; a policy from a file gets a
    read-only view. Times in ns."""

    __slots__ = (
        # Identity; ``called``: its unique name on the board; ``order``: its position in the scenario.
        "pid",
        "name",
        "called",
        "order",
        "arrived_ns",
        # Figures from the scenario; ``demand_ns``: the total CPU time that it declares (None: a real program).
        "priority",
        "nice",
        "tickets",
        "demand_ns",
        "period_ns",
        "deadline_ns",
        "estimate_ns",
        # Its state, and the reason of its current or last wait.
        "state",
        "on",
        # CPU time used so far, and since when it has been in its present state.
        "cpu_ns",
        "since_ns",
        # The current or next CPU burst: its declared length (None: unknown), and the CPU time used before it.
        "burst_ns",
        "before_ns",
        # The deadline of its current job (None: no deadline, or no current job).
        "due_ns",
        # The tasks that hold what it waits for, as far as they are known; empty while it does not wait for others.
        "waits_for",
        # Why it left the CPU last, and the rest of its slice then (None: none, or a slice without end).
        "stopped",
        "left_ns",
        # For the policy's own use; reset to None when another policy takes over.
        "data",
        # The read-only view of it that a policy from a file gets.
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
        """The former name of ``data``."""
        return self.data

    @own.setter
    def own(self, data: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<{self.pid} {self.name}>"


class Parameter(Generic[T]):
    """A typed parameter of a policy, with its unit and range: ``quantum = Parameter(Duration(), "50ms", "…")``.

    As an attribute of a policy it is the value; ``Policy.set`` checks and sets it.
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
        return self  # only reached on the class: the value of an instance is in its __dict__, which is looked up first


class Queue(NamedTuple):
    """A queue of a policy for the screen, the next task first. ``slice_ns``: the slice of a task that is picked from it
    (None: it differs between tasks, or has no end)."""

    name: Clause | str
    tasks: Sequence[Task]
    slice_ns: int | None = None


class KernelHandle(Protocol):
    """The interface of the kernel for the policy that is installed in it."""

    @property
    def attended(self) -> bool:
        """Whether there is a user who can be asked."""
        ...

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Record an action of the policy."""
        ...

    def renew(self, task: Task) -> None:
        """Give a task a new slice: at once if it is running, else with its next dispatch."""
        ...

    def fault(self, what: Clause, task: Task | None = None) -> None:
        """Record something that the policy was asked for and cannot do."""
        ...

    def failed(self, what: Clause) -> None:
        """Record that the policy has failed and was replaced."""
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
#: Characters of a parameter's value that are shown for editing.
_MAX_VALUE = 20_000
PREEMPTED: tuple[DescheduledReason, ...] = ("preempted",)

if TYPE_CHECKING:
    constant = property
else:

    def constant(get: Callable[[Any], object]) -> object:
        """A property for the type checker, so that subclasses may override it with one, and a plain class attribute at
        run time, because the kernel reads it with every decision."""
        return get(None)


class Policy:
    """First come, first served, unless a subclass says otherwise."""

    name: ClassVar[str] = ""
    ties: ClassVar[str] = "arrival-first"
    #: Fields of a process, such as ``period_ns``. The policy makes no sense where no process has any of them.
    needs: ClassVar[tuple[str, ...]] = ()
    #: Whether it makes its own decisions. One that follows orders is compared with others only if the scenario names
    #: it.
    decides: ClassVar[bool] = True
    #: How to find it again: its name, or ``file.py:Class``.
    source: str = ""
    #: The kernel, once the policy is installed.
    kernel: KernelHandle = NullKernel()

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        """Raises one BadValue for all unknown parameters and values out of range."""
        self.seed = seed
        self.queue: deque[Task] = deque()
        for parameter in self.declared():
            self.__dict__[parameter.name] = parameter.kind.read(parameter.default)
        faults: list[tuple[str, Clause]] = []
        for name, raw in (parameters or {}).items():
            try:
                self.set(name, raw)
            except BadValue as bad:
                faults += bad.faults
        if faults:
            raise BadValue.all(faults)

    # Declarations: plain class attributes in most policies, properties where they depend on parameters

    @constant
    def idles(self) -> bool:
        """Whether it may leave a CPU idle while a task is READY. ``ossandbox check`` reports that in other policies."""
        return False

    @constant
    def starves(self) -> bool:
        """Whether it may let a task starve while others come and go. ``ossandbox check`` reports it in others."""
        return False

    @constant
    def asks(self) -> bool:
        """Whether a user makes its choices. If there is one, the machine pauses before each choice between several."""
        return False

    @constant
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Reasons for leaving the CPU after which a task keeps the rest of its slice."""
        return PREEMPTED

    @constant
    def timer_ns(self) -> int | None:
        """When the kernel has to call ``timer`` next, in ns since boot; None: not at all."""
        return None

    # What the kernel calls

    def start(self, now_ns: int) -> None:
        """Called when the policy takes over, at boot or in the middle of a run. In the latter case it is then told of
        each running process as if that were admitted alone and picked, and of each READY one."""

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """Called when a task has become READY. A preempted one goes to the head of the queue, others to the tail."""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """Remove the next task for ``cpu`` from the queues and return it; None leaves the CPU idle."""
        return self.queue.popleft() if self.queue else None

    def slice(self, task: Task) -> int | None:
        """Return for how long the picked task may run, in ns; None: until it blocks."""
        return None

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """Whether ``task``, which has just become READY, takes the CPU from ``running`` at once."""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """Called when a task leaves the CPU after using ``ran_ns`` of CPU time; ``task.stopped`` is the reason."""

    def remove(self, task: Task) -> None:
        """Called when a READY task has exited (it was killed): forget it."""
        if task in self.queue:
            self.queue.remove(task)

    def prefer(self, task: Task) -> bool:
        """Called when the user or a script wants a task to be next. Returns whether the policy makes use of that."""
        return False

    def timer(self, now_ns: int) -> Iterable[Task] | None:
        """Called at ``timer_ns``, which is then to be set anew. Returns the READY tasks that may preempt now; None: all
        of them."""

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        """Called when ``task.waits_for`` of a blocked task has changed. Returns the READY tasks that may preempt now,
        as ``timer`` does. Only real processes wait for others; virtual ones do not."""
        return ()

    def retune(self, now_ns: int) -> None:
        """Called when parameters were changed in the middle of a run: recompute what depends on them."""

    # For the screen

    def why(self, task: Task) -> Clause:
        """Return the rule by which the last task was picked, with its figures."""
        return HEAD

    def queues(self) -> Sequence[Queue]:
        """Return the policy's queues, the best first."""
        return [Queue(READY, tuple(self.queue))]

    def figures(self, task: Task) -> dict[str, Figure]:
        """Return what the policy knows about a task: its level, its virtual runtime, …"""
        return {}

    @property
    def kind(self) -> type[Policy]:
        """The class of the policy that makes the decisions; of a guard, that of the guarded one."""
        return type(self)

    # To the kernel

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Record an action of the policy."""
        self.kernel.note(clause, task)

    def renew(self, task: Task) -> None:
        """Give a task a new slice: at once if it is running, else with its next dispatch."""
        self.kernel.renew(task)

    # Parameters

    @classmethod
    def declared(cls) -> Iterator[Parameter[Any]]:
        """Iterate over the policy's parameters in the order of their declaration."""
        seen: dict[str, Parameter[Any]] = {}
        for owner in reversed(cls.__mro__):
            seen |= {name: item for name, item in vars(owner).items() if isinstance(item, Parameter)}
        return iter(seen.values())

    def set(self, name: str, raw: object) -> None:
        """Set a parameter from a value as it is in files. Raises BadValue."""
        self._put(name, self._kind(name).read, raw)

    def tune(self, name: str, text: str) -> None:
        """Set a parameter from text that was typed. Raises BadValue."""
        self._put(name, self._kind(name).parse, text)

    def raw(self, name: str, text: str) -> object:
        """Convert text that was typed for a parameter into a value as it is in files. Raises BadValue."""
        kinds = {parameter.name: parameter.kind for parameter in self.declared()}
        return kinds[name].raw(text) if name in kinds else text

    @property
    def parameters(self) -> dict[str, object]:
        """The current values for JSON: durations in ns, under names that end in ``_ns``."""
        return {
            parameter.name + ("_ns" if parameter.kind.is_time else ""): getattr(self, parameter.name)
            for parameter in self.declared()
        }

    @property
    def written(self) -> dict[str, str]:
        """The current values as text that could be typed."""
        return {parameter.name: parameter.kind.write(getattr(self, parameter.name)) for parameter in self.declared()}

    def described(self) -> list[ParameterView]:
        """Return the parameters for a dialog in which they can be changed, as text that is safe to print."""
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
