"""What the kernel and a machine say to each other.

A machine tells what happened (reports) and makes orders true. Three machines exist: ``linux`` and ``posix`` obey
with signals on real processes, ``virtual`` with a heap and a number that is the time. They differ in
what waits and what obeys; everything between is the same kernel.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, TypeVar

import msgspec

from sandbox.model.commands import Command
from sandbox.model.events import Clause, Event
from sandbox.model.spec import ProcessSpec

# Reports: a machine tells the kernel what happened.


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A process was born, is stopped before its first own instruction, and its time to be let in has come.

    An adopted one has a parent. ``continued``: it is not stopped yet. ``waits_on``: it begins with a wait for this.
    """

    pid: int
    spec: ProcessSpec
    order: int | None = None
    os_pid: int | None = None
    parent: int | None = None
    continued: bool = False
    waits_on: Clause | None = None


class Waits(msgspec.Struct, frozen=True, gc=False):
    """A process cannot run on: it waits for something. ``on`` None: what for comes with ``Obeyed``, because to find
    it out would keep the next process from the CPU."""

    pid: int
    on: Clause | None


class Woke(msgspec.Struct, frozen=True, gc=False):
    """A process that waited can run again."""

    pid: int


class Yielded(msgspec.Struct, frozen=True, gc=False):
    """A process gave the CPU away though it could run."""

    pid: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A process is over. ``cpu_ns``: all the CPU time it ever used; code and signal as in ``Exited``."""

    pid: int
    cpu_ns: int
    code: int | None
    signal: int | None


class Lived(msgspec.Struct, frozen=True, gc=False):
    """A process was over before anybody could take hold of it: all of its life at once."""

    arrived: Arrived
    ended: Ended
    born_ns: int
    ended_ns: int


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The operator asks for something."""

    command: Command


class Told(msgspec.Struct, frozen=True, gc=False):
    """Something that changes no state but belongs on record: output, a fault."""

    event: Event


Report = Arrived | Waits | Woke | Yielded | Ended | Lived | Asked | Told
R = TypeVar("R", bound=Report)


class Happened(msgspec.Struct, frozen=True, gc=False):
    """What ``wait`` brings: the time, the reports, the CPU time used so far by each process on a CPU, and for how long
    somebody else has had the CPU of one that was told to run."""

    now_ns: int
    reports: list[Report]
    used: dict[int, int]
    stolen: dict[int, int] = {}

    def all(self, kind: type[R]) -> list[R]:
        """The reports of one kind, in their order."""
        if len(self.reports) == 1:  # as a rule
            only = self.reports[0]
            return [only] if isinstance(only, kind) else []
        return [report for report in self.reports if isinstance(report, kind)]


# Orders: the kernel tells a machine what shall be.


class Stop(msgspec.Struct, frozen=True, gc=False):
    """This process shall not run."""

    pid: int


class Run(msgspec.Struct, frozen=True, gc=False):
    """This process shall run on this CPU."""

    pid: int
    cpu: int


class Freeze(msgspec.Struct, frozen=True, gc=False):
    """Nothing shall run and the clock stands still."""


class Thaw(msgspec.Struct, frozen=True, gc=False):
    """The clock goes on, and what was waiting goes on waiting."""


class Carry(msgspec.Struct, frozen=True, gc=False):
    """A command that is the machine's to carry out: kill, spawn, type. ``pid`` where it names a process."""

    command: Command
    pid: int | None = None


Order = Stop | Run | Freeze | Thaw | Carry


class Started(NamedTuple):
    """When a process that was let run really started, and the exact CPU time that it had used by then."""

    t_ns: int
    cpu_ns: int


class Obeyed(msgspec.Struct, frozen=True, gc=False):
    """What obeying brings, by pid: the start of each process that was let run, the exact CPU time of each one whose
    stop is confirmed, what those wait for of whom that was left open, the CPU time that those have used at least
    whose stop is not confirmed yet, and for how long somebody else has had the CPU of one whose turn is over."""

    started: dict[int, Started]
    used: dict[int, int]
    waits_on: dict[int, Clause]
    at_least: dict[int, int] = {}
    stolen: dict[int, int] = {}


#: What most orders bring in virtual time.
NOTHING = Obeyed({}, {}, {})


class Machine(Protocol):
    """What makes orders true. ``sensor`` and ``recipe`` name how a real one notices blocks and switches."""

    @property
    def kind(self) -> Literal["linux", "posix", "virtual"]: ...
    @property
    def sensor(self) -> str | None: ...
    @property
    def recipe(self) -> str | None: ...

    def start(self) -> None:
        """Get ready; the clock starts when this returns."""
        ...

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline (None: for as long as it takes)."""
        ...

    def obey(self, orders: list[Order]) -> Obeyed:
        """Make the orders true, stops first."""
        ...

    def halt(self) -> list[Event]:
        """End everything; afterwards nothing of the machine is left. What is told of that."""
        ...

    @property
    def expects(self) -> bool:
        """Whether something is still to come by itself: an arrival, a scripted command."""
        ...
