"""The data types of a scenario, in which it is handed from its file to the machine.

Every field is annotated with the kind that reads it from a file (``sandbox.model.values``), so the keys, their units,
ranges and defaults are defined here only. A field whose name ends in ``_ns`` is written in a file
without that ending and with a unit: ``arrive = "20ms"``.
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
#: The most stretches of synthetic work in a scenario, counting repeats and copies: each causes at least one event.
MAX_STRETCHES = 1_000_000
MAX_CLIENTS = 2_000
CLIENT = "client"
SERVERS = ("forking-server", "iterative-server", "nonblocking-server")
Ties = Literal["arrival-first", "requeue-first"]
TIES: tuple[Ties, ...] = get_args(Ties)
SLICES = ("time", "line", "instruction")
#: The most files and bytes in the copy of the scenario's folder that each run of stepped programs gets.
MAX_FILES, MAX_BYTES = 2_000, 64 << 20
#: Sensors with which a real machine notices that processes block, best first; ``auto``: the best available one.
SENSORS = ("auto", "perf", "idle", "poll", "psutil")
#: What a step of a lesson can point at: parts of the board, or panels.
PARTS = ("ready", "running", "blocked", "done", "timeline", "why")
PANELS = ("board", "sockets", "console", "queues", "memory", "states", "quadrants", "waits", "program", "log")


def parse_segment(text: str) -> Segment:
    """Parse a segment as written in a file: ``cpu 300ms`` or ``io 100ms``. Raises BadValue."""
    kind, _, rest = text.strip().partition(" ")
    if kind == "cpu":
        return Segment("cpu", Duration().read(rest.strip()))
    if kind == "io":
        return Segment("io", Duration().read(rest.strip()))
    raise BadValue("not a stretch of work", value=shown(text), allowed='"cpu 300ms" | "io 100ms"')


def address(text: str) -> str:
    """Parse an address as written (``127.0.0.1:9001``), and return it in normal form. Raises BadValue."""
    try:
        return str(parse_address(text))
    except ValueError:
        raise BadValue("not an address", value=shown(text), hint=f'"{DEFAULT}"') from None


class Table(Kind[dict[str, Any]]):
    """A table whose keys are not checked here, such as a policy's parameters."""

    def read(self, raw: object) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise BadValue("expected a table", value=shown(raw))
        return raw


class MachineSpec(msgspec.Struct):
    """``[machine]``. ``quantum_ns`` None: the policy's default; ``ties`` None: the policy's own rule. ``kept``: how
    many ended processes are remembered individually among those that the scenario does not name. ``slice``: whether a
    turn is a period of time, or one line or bytecode instruction of a Python program, after which its process waits."""

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
        """Whether a turn is a line or instruction of a program instead of a period of time."""
        return self.slice != "time"


class ProcessSpec(msgspec.Struct):
    """``[[process]]``: what runs (exactly one of ``work``, ``command``, ``python``, ``program``), when, and its
    figures for the policies. Times are in ns. ``args``: the arguments of the Python function or file;
    ``hook``: its locks are recorded, so that their holders are known. ``memory``: the process is ended if it and its
    descendants together use more memory, in bytes; ``address_space``: the system refuses it more address space, in
    bytes (None: no limit).

    A server (``program``) listens at ``listen``, has at most ``clients`` connections at once, and closes those that
    have been silent for ``idle``. A client connects to ``connect`` and sends its lines, as ``[[client]]`` does.

    ``period`` makes a periodic process of synthetic work: it does its ``work`` ``repeat`` times. Each time is a job;
    the first is released when the process arrives, each other one period after the one before, and each is due
    ``deadline`` after its release (default: one period). A process that has finished a job waits for the release of
    the next; a late one begins the next at once, which is due as if it had begun at its release. Without ``period``,
    ``deadline`` applies to the process as a whole, counted from its arrival.
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
        """The synthetic work in full, with adjacent segments of the same kind joined."""
        return Stretches(self.work or (), self.repeat, self.period_ns)

    @property
    def demand_ns(self) -> int | None:
        """The CPU time in ns that the synthetic work needs; None if the process does no synthetic work."""
        if self.work is None:
            return None
        return sum(segment.ns for segment in self.work if segment.kind == "cpu") * self.repeat

    @property
    def runs(self) -> str:
        """A description of what runs, on one line without control characters."""
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
    """``[[client]]``: ``count`` unscheduled clients that ``connect`` to a process of the scenario, or to an address of
    this computer, once it listens, but not before ``arrive``. Each sends its lines in turn, each line ``every`` after
    the one before, but not before that was answered, and leaves after ``times`` lines (None: at the end of the
    run)."""

    name: Annotated[str, Name()]
    connect: Annotated[str, Text(200)]
    say: Annotated[list[str], ListOf(Argument(), 1)] = msgspec.field(default_factory=lambda: ["hello"])
    every_ns: Annotated[int, Duration()] = 500_000_000
    times: Annotated[int | None, Whole(1, 1_000_000)] = None
    arrive_ns: Annotated[int, Duration()] = 0
    count: Annotated[int, Whole(1, MAX_CLIENTS)] = 1


class At(msgspec.Struct):
    """``[[at]]``: a command of the scripted operator. ``time_ns`` goes on during pauses that the script itself ends; it
    stops during pauses of real processes that a person makes."""

    time_ns: Annotated[int, Duration()]
    do: Annotated[AnyCommand, Parsed(parse_command)]


def ends_pauses(script: Iterable[At]) -> bool:
    """Whether the script contains a command that ends a pause; if not, only a person can end one."""
    return any(isinstance(at.do, Resume | StepOnce) for at in script)


def brings_more(script: Iterable[At]) -> bool:
    """Whether the first command of a script, in the order of its times, is anything but Quit. A Quit alone is no reason
    to wait once all processes have ended."""
    first = next(iter(script), None)
    return first is not None and not isinstance(first.do, Quit)


class Step(msgspec.Struct):
    """``[[step]]`` of a lesson. ``until``: the happening it waits for; ``panel`` and ``process``: what its text points
    at until then; ``pause``: the machine pauses after the happening; ``predict``: until then, the reader is asked
    before each choice between several processes which one will run."""

    until: Annotated[Happening, Parsed(parse_happening)]
    panel: Annotated[str | None, Choice(*PARTS, *PANELS)] = None
    process: Annotated[str | None, Text(100)] = None
    pause: Annotated[bool, Flag()] = False
    predict: Annotated[bool, Flag()] = False


class WhatIf(msgspec.Struct):
    """``[[whatif]]``: the same scenario in virtual time with other settings; its figures are ``NAME.makespan`` etc."""

    name: Annotated[str, Name()]
    cpus: Annotated[int | None, Whole(1, 1024)] = None
    policy: Annotated[str | None, Text(300)] = None
    quantum_ns: Annotated[int | None, Duration("100us", "60s")] = None
    parameters: Annotated[dict[str, Any], Table()] = {}

    def applied(self, scenario: Scenario) -> Scenario:
        """Return the scenario with these settings."""
        machine = msgspec.structs.replace(
            scenario.machine,
            cpus=self.cpus or scenario.machine.cpus,
            policy=self.policy or scenario.machine.policy,
            quantum_ns=self.quantum_ns or scenario.machine.quantum_ns,
            parameters=self.parameters or ({} if self.policy else scenario.machine.parameters),
        )
        return msgspec.structs.replace(scenario, machine=machine)


class Scenario(msgspec.Struct):
    """A valid scenario: its processes, copies included, in scenario order. ``lesson``: the file with the lesson's text
    (None: no lesson); ``concepts``: the numbers of the concepts that it teaches."""

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
        """The names of everything that has figures in a lesson: the processes and the what-if runs."""
        return {process.name for process in self.processes} | {whatif.name for whatif in self.whatifs}


class Guest(msgspec.Struct):
    """A policy that runs in another process, as it has described itself."""

    source: str
    parameters: dict[str, object]
    name: str
    ties: str


class Boot(msgspec.Struct):
    """What a kernel process has to run, and how. ``stay``: go on after all processes have ended, as the operator may
    start more; ``attended``: an operator is present to type; ``verify``: also report what the system recorded;
    ``exposed``: the scenario's servers may listen where other computers can reach them; ``setuid``: programs may gain
    privileges; ``claimed``: the real CPUs used as mini CPUs (empty: the machine chooses), ``shared``: those of them
    that other runs use too, ``others``: all CPUs that other runs use. ``virtual``: run in virtual time, at the speed
    set by ``Pace``; ``guest``: the policy in another process that decides instead of the scenario's; the descriptors
    to talk to it are passed along."""

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
