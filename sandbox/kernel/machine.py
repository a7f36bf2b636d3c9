"""The interface between the kernel and a machine: reports in one direction, orders in the other.

A machine reports what has happened and carries out orders. There are three: ``linux`` and ``posix`` control real
processes with signals, ``virtual`` simulates them with a heap and a counter for the time. They differ in how they wait
and how they obey; the kernel is the same.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, TypeVar

import msgspec

from sandbox.model.commands import Command
from sandbox.model.events import Clause, Event
from sandbox.model.spec import ProcessSpec

# Reports, from the machine to the kernel


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A process has been created, is stopped before its first instruction, and is due to be admitted.

    ``parent``: the pid of the process that has forked it, if it was not started from the scenario. ``continued``: it
    is not stopped yet. ``waits_on``: it is blocked from the start, for this reason.
    """

    pid: int
    spec: ProcessSpec
    order: int | None = None
    os_pid: int | None = None
    parent: int | None = None
    continued: bool = False
    waits_on: Clause | None = None


class Waits(msgspec.Struct, frozen=True, gc=False):
    """A process has blocked. ``on``: the reason; None if it follows in ``Obeyed.waits_on``, because finding it out
    first would delay the next dispatch."""

    pid: int
    on: Clause | None


class Woke(msgspec.Struct, frozen=True, gc=False):
    """A blocked process can run again."""

    pid: int


class Yielded(msgspec.Struct, frozen=True, gc=False):
    """A running process has given up the CPU without blocking."""

    pid: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A process has exited. ``cpu_ns``: its total CPU time; ``code`` and ``signal``: as in ``Exited``."""

    pid: int
    cpu_ns: int
    code: int | None
    signal: int | None


class Lived(msgspec.Struct, frozen=True, gc=False):
    """A process was created and exited before the machine could stop it; its whole life is reported at once."""

    arrived: Arrived
    ended: Ended
    born_ns: int
    ended_ns: int


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The operator has issued a command."""

    command: Command


class Told(msgspec.Struct, frozen=True, gc=False):
    """An event that changes no process state but must be recorded: output, a fault."""

    event: Event


Report = Arrived | Waits | Woke | Yielded | Ended | Lived | Asked | Told
R = TypeVar("R", bound=Report)


class Happened(msgspec.Struct, frozen=True, gc=False):
    """The result of ``Machine.wait``: the time, the reports, the CPU time used so far by each process on a CPU, and, by
    pid, for how long processes that are not ours have had the CPU of a dispatched one."""

    now_ns: int
    reports: list[Report]
    used: dict[int, int]
    stolen: dict[int, int] = {}

    def all(self, kind: type[R]) -> list[R]:
        """Return the reports of one kind, in their order."""
        if len(self.reports) == 1:  # the usual case
            only = self.reports[0]
            return [only] if isinstance(only, kind) else []
        return [report for report in self.reports if isinstance(report, kind)]


# Orders, from the kernel to the machine


class Stop(msgspec.Struct, frozen=True, gc=False):
    """Stop this process."""

    pid: int


class Run(msgspec.Struct, frozen=True, gc=False):
    """Run this process on this CPU, in place of the one that is there."""

    pid: int
    cpu: int


class Freeze(msgspec.Struct, frozen=True, gc=False):
    """Pause: stop all processes, their waits and the clock."""


class Thaw(msgspec.Struct, frozen=True, gc=False):
    """End a pause: the clock and the waits of processes continue."""


class Carry(msgspec.Struct, frozen=True, gc=False):
    """Carry out a command that only the machine can: kill, spawn, type. ``pid``: the process that it names, if any."""

    command: Command
    pid: int | None = None


Order = Stop | Run | Freeze | Thaw | Carry


class Started(NamedTuple):
    """When a dispatched process really started, and the exact CPU time that it had used by then."""

    t_ns: int
    cpu_ns: int


class Obeyed(msgspec.Struct, frozen=True, gc=False):
    """The result of ``Machine.obey``, by pid. ``started``: processes that were let run; ``used``: the exact CPU time of
    those whose stop is confirmed; ``waits_on``: reasons that a ``Waits`` report has left open; ``at_least``: a lower
    bound of the CPU time of those whose stop is not confirmed yet; ``stolen``: as in ``Happened``, at a slice's end."""

    started: dict[int, Started]
    used: dict[int, int]
    waits_on: dict[int, Clause]
    at_least: dict[int, int] = {}
    stolen: dict[int, int] = {}


#: The result of most orders in virtual time.
NOTHING = Obeyed({}, {}, {})


class Machine(Protocol):
    """What carries out orders. ``sensor`` names how a real machine notices that a process blocks, ``recipe`` how it
    stops and continues processes; both are None in virtual time."""

    @property
    def kind(self) -> Literal["linux", "posix", "virtual"]: ...
    @property
    def sensor(self) -> str | None: ...
    @property
    def recipe(self) -> str | None: ...

    def start(self) -> None:
        """Prepare the run. The clock starts when this returns."""
        ...

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline (None: without a limit)."""
        ...

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders, stops first."""
        ...

    def halt(self) -> list[Event]:
        """End all processes and free all resources. Returns the events of that."""
        ...

    @property
    def expects(self) -> bool:
        """Whether an arrival or a scripted command is still to come."""
        ...
