"""What a scenario says, as data: the form in which it travels from its file to the machine.

Every field carries the kind that reads it from a file (``sandbox.model.values``), so this is the one place
where the keys, their units, ranges and defaults are written down. A field that ends in ``_ns`` is
written in a file without that ending and with a unit: ``arrive = "20ms"``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

import msgspec

from sandbox.model.claims import AnyClaim, Happening, parse_happening
from sandbox.model.commands import AnyCommand, Quit, Resume, parse_command
from sandbox.model.commands import Step as StepOnce
from sandbox.model.retirement import KEPT, MAX_KEPT, MIN_KEPT
from sandbox.model.stretches import Segment as Segment  # a part of what a scenario says
from sandbox.model.stretches import Stretches
from sandbox.model.values import (
    Argument,
    BadValue,
    Choice,
    Duration,
    Flag,
    Kind,
    ListOf,
    Name,
    Parsed,
    Scalar,
    Size,
    Text,
    Whole,
    shown,
)
from sandbox.util.addresses import DEFAULT, parse_address
from sandbox.util.text import clean_line
from sandbox.util.units import write_duration

MAX_PROCESSES = 2_000
#: Stretches of synthetic work in a whole scenario, its repeats and copies counted: each is an event or more.
MAX_STRETCHES = 1_000_000
#: How long all of that may take one after the other (100 years): times in recordings have 63 bits.
MAX_TOTAL_NS = 36_500 * 86_400 * 1_000_000_000
MAX_CLIENTS = 2_000
CLIENT = "client"
SERVERS = ("forking-server", "iterative-server", "nonblocking-server")
Ties = Literal["arrival-first", "requeue-first"]
TIES: tuple[Ties, ...] = get_args(Ties)
SLICES = ("time", "line", "instruction")
#: Where a turn is a line, each run has a copy of the scenario's folder: so many files and bytes at most.
MAX_FILES, MAX_BYTES = 2_000, 64 << 20
#: How a real machine notices blocks, best first; auto: by the best that can be had.
SENSORS = ("auto", "perf", "idle", "poll", "psutil")
#: What a step of a lesson can point at: parts of the board, and panels.
PARTS = ("ready", "running", "blocked", "done", "timeline", "why")
PANELS = ("board", "sockets", "console", "queues", "memory", "states", "quadrants", "waits", "program", "log")


def parse_segment(text: str) -> Segment:
    """A segment as written: ``cpu 300ms`` or ``io 100ms``. Raises BadValue."""
    kind, _, rest = text.strip().partition(" ")
    if kind == "cpu":
        return Segment("cpu", Duration().read(rest.strip()))
    if kind == "io":
        return Segment("io", Duration().read(rest.strip()))
    raise BadValue("not a stretch of work", value=shown(text), allowed='"cpu 300ms" | "io 100ms"')


def address(text: str) -> str:
    """An address as written: ``127.0.0.1:9001``. Raises BadValue."""
    try:
        return str(parse_address(text))
    except ValueError:
        raise BadValue("not an address", value=shown(text), hint=f'"{DEFAULT}"') from None


class Table(Kind[dict[str, Any]]):
    """A table whose keys are not known here: a policy's parameters."""

    def read(self, raw: object) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise BadValue("expected a table", value=shown(raw))
        return raw


class MachineSpec(msgspec.Struct):
    """``[machine]``: ``quantum_ns`` None leaves the policy its own default; ``ties`` None its own rule. ``kept``: of
    processes that the scenario does not name, so many are remembered one by one after their end. ``slice``: what a turn
    is: a time, or one line (one bytecode instruction) of a Python program, after which its process waits."""

    cpus: Annotated[int, Whole(1, 1024)] = 1
    policy: Annotated[str, Text(300)] = "rr"
    quantum_ns: Annotated[int | None, Duration("100us", "60s")] = None
    seed: Annotated[int, Whole(0, 2**53)] = 1
    switch_cost_ns: Annotated[int, Duration("0ns", "10s")] = 0
    ties: Annotated[str | None, Choice(*TIES)] = None
    kept: Annotated[int, Whole(MIN_KEPT, MAX_KEPT)] = KEPT
    slice: Annotated[str, Choice(*SLICES)] = "time"
    parameters: Annotated[dict[str, Any], Table()] = {}

    @property
    def stepped(self) -> bool:
        """Whether a turn is a step of a program, not a time."""
        return self.slice != "time"

    def with_quantum(self, quantum_ns: int | None) -> MachineSpec:
        """The same with this quantum, wherever it has said another one before; None: with its own."""
        if quantum_ns is None:
            return self
        parameters = {name: value for name, value in self.parameters.items() if name != "quantum"}
        return msgspec.structs.replace(self, quantum_ns=quantum_ns, parameters=parameters)


class ProcessSpec(msgspec.Struct):
    """``[[process]]``: what runs (exactly one of ``work``, ``command``, ``python``, ``program``), when, and its
    figures for the policies. Times in ns; ``args`` are those of the Python function or file;
    ``hook``: its locks are noted, so that one can tell who has them. ``memory``: with more
    bytes than that in memory, it and its descendants together, it is ended; ``address_space``: of more, in use or not,
    it gets none from the system (None: as many as there are).

    A server (``program``) listens at ``listen``, has at most so many ``clients`` at once, and leaves those that have
    been silent for ``idle``. A client says its lines to whom it ``connect``s, as ``[[client]]`` does.

    ``period`` makes a periodic process of synthetic work: it does its ``work`` ``repeat`` times, each of them a job
    that is released one period after the one before, the first when the process arrives, and due ``deadline`` after
    its release (by default: a period). A process that is done with a job waits for the release of the next; one that
    is late begins the next at once, and that one is due as if it had been released in time. Without ``period``,
    ``deadline`` is that of the process as a whole, counted from its arrival.
    """

    name: Annotated[str, Name()]
    arrive_ns: Annotated[int, Duration()] = 0
    work: Annotated[list[Segment] | None, ListOf(Parsed(parse_segment), 1, 10_000)] = None
    command: Annotated[list[str] | None, ListOf(Argument(), 1)] = None
    python: Annotated[str | None, Text(300)] = None
    args: Annotated[list[str | int | float | bool], ListOf(Scalar())] = []
    hook: Annotated[bool, Flag()] = True
    program: Annotated[str | None, Choice(*SERVERS, CLIENT)] = None
    listen: Annotated[str, Parsed(address)] = DEFAULT
    clients: Annotated[int, Whole(1, 100_000)] = 1_000
    idle_ns: Annotated[int, Duration("10ms")] = 600_000_000_000
    connect: Annotated[str | None, Text(200)] = None
    say: Annotated[list[str], ListOf(Argument(), 1)] = msgspec.field(default_factory=lambda: ["hello"])
    every_ns: Annotated[int, Duration()] = 500_000_000
    times: Annotated[int | None, Whole(1, 1_000_000)] = None
    repeat: Annotated[int, Whole(1, 100_000)] = 1
    count: Annotated[int, Whole(1, MAX_PROCESSES)] = 1
    priority: Annotated[int, Whole(-1_000, 1_000)] = 0
    nice: Annotated[int, Whole(-20, 19)] = 0
    tickets: Annotated[int, Whole(1, 1_000_000)] = 100
    period_ns: Annotated[int | None, Duration("1us")] = None
    deadline_ns: Annotated[int | None, Duration("1us")] = None
    estimate_ns: Annotated[int | None, Duration("1us")] = None
    memory: Annotated[int | None, Size("32MB", "1000GB")] = None
    address_space: Annotated[int | None, Size("32MB", "1000GB")] = None

    @property
    def segments(self) -> Stretches:
        """The synthetic work in full, neighbours of one kind joined."""
        return Stretches(self.work or (), self.repeat, self.period_ns)

    @property
    def demand_ns(self) -> int | None:
        """The CPU time that synthetic work needs; None where it is unknown."""
        if self.work is None:
            return None
        return sum(segment.ns for segment in self.work if segment.kind == "cpu") * self.repeat

    @property
    def lasts_ns(self) -> int:
        """How long it would take alone, from the boot on; of a real program, when it comes."""
        work_ns = sum(segment.ns for segment in self.work or ())
        return self.arrive_ns + max(work_ns, self.period_ns or 0) * self.repeat

    @property
    def runs(self) -> str:
        """What runs, in one harmless line."""
        if self.work is not None:
            line = ", ".join(f"{part.kind} {write_duration(part.ns)}" for part in self.work)
            return line if self.repeat == 1 else f"({line}) × {self.repeat}"
        if self.command is not None:
            return clean_line(" ".join(self.command))
        if self.program is not None:
            return f"{self.program} {self.connect if self.program == CLIENT else self.listen}"
        if ":" not in (self.python or ""):
            return clean_line(" ".join(["python3", self.python or "", *map(str, self.args)]))
        return clean_line(f"{self.python}({', '.join(map(repr, self.args))})")


class ClientSpec(msgspec.Struct):
    """``[[client]]``: ``count`` clients outside the schedule that ``connect`` to a process of the scenario (or to an
    address of this machine) once it listens, not before ``arrive``. Each says its lines in turn, the next so long
    after (``every``) the one before and not before that was answered, and leaves after so many ``times`` (None: only
    at the end of the run)."""

    name: Annotated[str, Name()]
    connect: Annotated[str, Text(200)]
    say: Annotated[list[str], ListOf(Argument(), 1)] = msgspec.field(default_factory=lambda: ["hello"])
    every_ns: Annotated[int, Duration()] = 500_000_000
    times: Annotated[int | None, Whole(1, 1_000_000)] = None
    arrive_ns: Annotated[int, Duration()] = 0
    count: Annotated[int, Whole(1, MAX_CLIENTS)] = 1


class At(msgspec.Struct):
    """``[[at]]``: the scripted operator. ``time_ns`` is counted through pauses that the script itself ends; pauses
    that a person makes on real processes stop it."""

    time_ns: Annotated[int, Duration()]
    do: Annotated[AnyCommand, Parsed(parse_command)]


def ends_pauses(script: Iterable[At]) -> bool:
    """Whether a script will go on after a pause; if not, somebody else has to, and the script waits."""
    return any(isinstance(at.do, Resume | StepOnce) for at in script)


def brings_more(script: Iterable[At]) -> bool:
    """Whether a script, in the order of its times, has anything to do but to end the run: that alone is no reason to
    wait when all have ended."""
    first = next(iter(script), None)
    return first is not None and not isinstance(first.do, Quit)


class Step(msgspec.Struct):
    """``[[step]]`` of a lesson: what it waits for, the panel and the process that its text points at until then,
    whether the machine pauses when it has happened, so that one can read on, and whether it asks until then, before
    each choice between several processes, who runs next."""

    until: Annotated[Happening, Parsed(parse_happening)]
    panel: Annotated[str | None, Choice(*PARTS, *PANELS)] = None
    process: Annotated[str | None, Text(100)] = None
    pause: Annotated[bool, Flag()] = False
    predict: Annotated[bool, Flag()] = False


class WhatIf(msgspec.Struct):
    """``[[whatif]]``: the same scenario in virtual time with other settings; its figures go by ``NAME.makespan``."""

    name: Annotated[str, Name()]
    cpus: Annotated[int | None, Whole(1, 1024)] = None
    policy: Annotated[str | None, Text(300)] = None
    quantum_ns: Annotated[int | None, Duration("100us", "60s")] = None
    parameters: Annotated[dict[str, Any], Table()] = {}

    def applied(self, scenario: Scenario) -> Scenario:
        """The scenario with these settings."""
        present = scenario.machine.with_quantum(self.quantum_ns)
        machine = msgspec.structs.replace(
            present,
            cpus=self.cpus or present.cpus,
            policy=self.policy or present.policy,
            parameters=self.parameters or ({} if self.policy else present.parameters),
        )
        return msgspec.structs.replace(scenario, machine=machine)


class Scenario(msgspec.Struct):
    """One scenario, valid: processes with their copies unrolled, in scenario order. ``lesson``: the file of its text;
    ``concepts``: the numbers of those that it teaches."""

    name: str
    title: str
    machine: MachineSpec
    processes: list[ProcessSpec]
    script: list[At] = []
    lesson: str | None = None
    folder: str = "."
    clients: list[ClientSpec] = []
    concepts: list[int] = []
    claims: list[AnyClaim] = []
    steps: list[Step] = []
    whatifs: list[WhatIf] = []

    @property
    def names(self) -> set[str]:
        """What a lesson's figures can belong to: processes, and other settings."""
        return {process.name for process in self.processes} | {whatif.name for whatif in self.whatifs}


class Guest(msgspec.Struct):
    """A policy that lives in another process, as it introduced itself there."""

    source: str
    parameters: dict[str, object]
    name: str
    ties: str


class Boot(msgspec.Struct):
    """What a kernel process is told to run, and how. ``stay``: go on after everything has ended (somebody may
    start more); ``attended``: somebody is there to type; ``verify``: tell what the system recorded, too;
    ``exposed``: the scenario's servers may listen where other machines can reach them; ``setuid``: programs may gain
    privileges; ``claimed``: the real CPUs that are its mini CPUs (none: the machine chooses), of which other runs use
    those that are ``shared``, too; ``others``: all that other runs use. ``virtual``: in virtual time, which goes by as
    fast as ``Pace`` says; ``guest``: who decides instead of the scenario's policy: the descriptors with which it is
    asked, and heard, come along."""

    scenario: Scenario
    sensor: str = "auto"
    recipe: str = "auto"
    stay: bool = False
    attended: bool = False
    verify: bool = False
    exposed: bool = False
    setuid: bool = False
    claimed: list[int] = []
    shared: list[int] = []
    others: list[int] = []
    virtual: bool = False
    guest: Guest | None = None
