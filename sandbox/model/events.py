"""The events of a run: the format shared by the kernel, the screen, recordings and tests.

Events are small frozen records, encoded as one JSON object per line. Times are integer nanoseconds since boot; the
machine's clock stops while the machine is paused, so a pause leaves no gap. Reasons, rules, causes and faults are
data (a ``Clause``), not sentences, so that the user interface can translate them and tests can compare them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal

import msgspec

from sandbox.model.clause import Clause as Clause
from sandbox.model.clause import Figure as Figure
from sandbox.model.event import Event as Event
from sandbox.model.family_events import Adopted as Adopted
from sandbox.model.family_events import Reaped as Reaped
from sandbox.model.family_events import Zombie as Zombie
from sandbox.model.queues import ParameterView as ParameterView
from sandbox.model.queues import Queued as Queued
from sandbox.model.queues import QueueView as QueueView
from sandbox.model.reasons import DescheduledReason as DescheduledReason
from sandbox.model.reasons import ReadyReason as ReadyReason
from sandbox.model.retirement import KEPT
from sandbox.model.rules import (
    FOR_OTHERS,
    HEAD_OF_QUEUE,
    MISSED_DEADLINE,
    POLL,
    READ_CONSOLE,
    STILLBIRTHS,
    STOPPED,
    STUCK,
    PausedBy,
)
from sandbox.model.rules import Did as Did
from sandbox.model.socket_events import Accepted as Accepted
from sandbox.model.socket_events import Backlog as Backlog
from sandbox.model.socket_events import Closed as Closed
from sandbox.model.socket_events import Connected as Connected
from sandbox.model.socket_events import Listening as Listening
from sandbox.model.socket_events import Transferred as Transferred
from sandbox.model.step_events import Change as Change
from sandbox.model.step_events import Stepped as Stepped

Stream = Literal["console"]

#: Reasons to dispatch without a new choice by the policy: the process had the CPU before a pause, or before a question.
RESUMED = Clause("goes on after a pause")
KEEPS = Clause("keeps the CPU")
GOES_ON = (RESUMED.rule, KEEPS.rule)


class Booted(Event, frozen=True, tag=True):
    """The machine is up; nothing has run yet. ``kept``: how many ended processes are remembered among those that the
    scenario does not name."""

    machine: Literal["linux", "posix", "virtual"]
    cpus: int
    policy: str
    parameters: dict[str, object]
    ties: str
    scenario: str
    sensor: str | None = None
    recipe: str | None = None
    kept: int = KEPT


class Scheduling(Event, frozen=True, tag=True):
    """The operator changed the policy or its parameters; the given ones are in force from now on."""

    policy: str
    parameters: dict[str, object]
    ties: str


class Recipe(Event, frozen=True, tag=True):
    """The recipe (how processes are stopped and continued) has changed to this one, for the reason ``why``."""

    recipe: str
    why: Clause


class Admitted(Event, frozen=True, tag=True):
    """A process exists from now on. ``order``: its place in the scenario (None: it was forked or spawned)."""

    pid: int
    name: str
    runs: str
    os_pid: int | None = None
    parent: int | None = None
    order: int | None = None
    demand_ns: int | None = None


class Became(Event, frozen=True, tag=True):
    """A process that was found, not started from the scenario, now runs another program."""

    pid: int
    name: str
    runs: str

    def after(self, admitted: Admitted) -> Admitted:
        """Return the process's ``Admitted`` event with its present name and program."""
        return msgspec.structs.replace(admitted, name=self.name, runs=self.runs)


class Ready(Event, frozen=True, tag=True):
    """``pid`` can run and waits for a CPU."""

    pid: int
    reason: ReadyReason


class Dispatched(Event, frozen=True, tag=True):
    """The policy chose ``pid`` for ``cpu``. ``slice_ns``: its time slice in ns; None: it runs until it blocks."""

    pid: int
    cpu: int
    slice_ns: int | None
    why: Clause

    @property
    def is_decision(self) -> bool:
        """Whether the policy made a decision; false if a process only goes on after a pause."""
        return self.why != RESUMED

    @property
    def begins_turn(self) -> bool:
        """Whether a new turn begins; false if a process only goes on after a pause or a question."""
        return self.why.rule not in GOES_ON

    @property
    def takes_head(self) -> bool:
        """Whether the process was chosen because it was at the head of the ready queue."""
        return self.why.rule == HEAD_OF_QUEUE


class Descheduled(Event, frozen=True, tag=True):
    """``pid`` left the CPU. ``ran_ns``: the CPU time it used since it last left one, as far as that is known; the sum
    over a process's life is exactly its total, unless the system took the CPU from it in its very last slices.
    ``undispatched_ns``: the part of ``ran_ns`` used without being dispatched: after it woke
    by itself, or until a late stop took effect. ``stolen_ns``: the time since it was dispatched in which it could run,
    but its CPU was taken by another program, or by a process of the machine that had not been dispatched."""

    pid: int
    cpu: int
    ran_ns: int
    reason: DescheduledReason
    undispatched_ns: int = 0
    stolen_ns: int = 0


class Blocked(Event, frozen=True, tag=True):
    """``pid`` waits for something other than a CPU. ``again``: it was waiting, woke, and waits for something else
    before it could be stopped; its state has not changed."""

    pid: int
    on: Clause
    again: bool = False

    @property
    def reads_console(self) -> bool:
        """Whether the process waits for input at its console."""
        return self.on.rule == READ_CONSOLE or (self.on.rule == POLL and self.on.text("on") == "console")

    @property
    def is_stop(self) -> bool:
        """Whether the process is stopped and waits only to be continued."""
        return self.on.rule in STOPPED

    @property
    def for_first_of_several(self) -> bool:
        """Whether the process waits for the first of several descriptors to become ready."""
        return self.on.rule == POLL and ", " in (self.on.text("on") or "")

    @property
    def for_others(self) -> bool:
        """Whether another process has to end the wait."""
        return self.on.rule in FOR_OTHERS


class Waits(Event, frozen=True, tag=True):
    """The processes for which ``pid`` waits: the ``holders`` have the ``resource`` (named the same in every such
    event), and one of them (``any``) or all must release it. ``by``: the holders were read from the system ("seen") or
    told by the program itself ("said"). Known but empty holders: the holder has ended, so the wait cannot end."""

    pid: int
    resource: str
    holders: list[int]
    by: Literal["seen", "said", "unknown"]
    any: bool = False


class Edge(msgspec.Struct, frozen=True):
    """``pid`` waits for ``holder``, which has the ``resource``. ``taken``: the line that took it ("": unknown)."""

    pid: int
    holder: int
    resource: str
    taken: str = ""


class Deadlocked(Event, frozen=True, tag=True):
    """None of ``pids`` can ever go on: each waits for others of them. ``core``: the processes of the knot itself, for
    which the rest wait. ``may_end``: the deadlock is not certain, as an unseen timeout may end it, or
    a process of which it is not known whether it uses the same. ``lively``: processes of which other threads go on."""

    pids: list[int]
    core: list[int]
    edges: list[Edge]
    may_end: bool = False
    lively: list[int] = msgspec.field(default_factory=list)


class Resolved(Event, frozen=True, tag=True):
    """The processes ``pids`` were in a deadlock and can now go on, or have ended."""

    pids: list[int]


class Exited(Event, frozen=True, tag=True):
    """``pid`` has ended. ``code``: exit status; ``signal``: the signal that ended it; both None: unknown."""

    pid: int
    code: int | None
    signal: int | None
    cpu_ns: int  # this and the following times are those of its whole life
    waiting_ns: int
    blocked_ns: int
    undispatched_ns: int = 0

    @property
    def status(self) -> int | None:
        """The exit code, or minus the signal number, as in ``subprocess``; None if unknown."""
        return self.code if self.signal is None else -self.signal


class Unseen(Event, frozen=True, tag=True):
    """Descendants of ``pid`` that ended before they were seen have used ``cpu_ns`` of CPU time: the system's total for
    the family less the part that is known. Their number is unknown."""

    pid: int
    cpu_ns: int


class Wrote(Event, frozen=True, tag=True, omit_defaults=True):
    """Text that a process wrote, reduced to characters and the control sequences that style or correct its own line
    (see ``sandbox.util.text.clean_console``); ``sandbox.util.text.clean`` makes it plain.

    ``raw``: the output as it came from the terminal, if it says more than ``text``. It may control a terminal, so it
    must only be given to the emulated one.
    """

    pid: int
    stream: Stream
    text: str
    raw: str | None = None


class Terminal(Event, frozen=True, tag=True):
    """The settings of a process's terminal from now on: its size, whether it delivers whole lines (``canonical``) or
    each key, and whether it shows typed characters (``echo``)."""

    pid: int
    rows: int
    columns: int
    canonical: bool = True
    echo: bool = True

    @property
    def hides(self) -> bool:
        """Whether typed text is not shown at all, as when a program asks for a password. A program that reads single
        keys may show them itself."""
        return self.canonical and not self.echo


class PolicyNote(Event, frozen=True, tag=True):
    """Something that a policy did by itself: demoted, boosted or aged a task, drew a ticket."""

    note: Clause
    pid: int | None = None

    @property
    def misses_deadline(self) -> bool:
        return self.note.rule == MISSED_DEADLINE


class Queues(Event, frozen=True, tag=True):
    """The policy's own queues, best first, and the tasks on the CPUs; emitted only in reply to a ``Look`` command."""

    queues: list[QueueView]
    running: list[Queued]


class Described(Event, frozen=True, tag=True):
    """The policy in force; emitted only in reply to a ``Describe`` command. ``source``: how to find it again; ``file``:
    the file that defines its class (None: no file); ``says``: the docstring of the class."""

    policy: str
    source: str
    file: str | None
    says: str
    parameters: list[ParameterView]


class Operator(Event, frozen=True, tag=True):
    """Something that the operator, at the keyboard or in the scenario's script, did."""

    did: Clause

    @property
    def is_pause(self) -> bool:
        return self.did.rule == Did.PAUSED

    @property
    def goes_on(self) -> bool:
        """Whether the machine goes on after a pause, if only for one decision."""
        return self.did.rule in (Did.RESUMED, Did.STEPPED, Did.CHOSE)

    @property
    def asks_cpu(self) -> int | None:
        """The CPU for which the machine pauses to ask which process will run; None if it does not ask."""
        return self.did.number("cpu") if self.is_pause else None

    @property
    def asks_choice(self) -> bool:
        """Whether the machine pauses so that a person can choose which process runs."""
        return self.is_pause and self.did.text("by") == PausedBy.CHOICE

    @property
    def takes_other_policy(self) -> bool:
        """Whether another policy takes over, or the same one reloaded from its file."""
        return self.did.rule in (Did.CHANGED_POLICY, Did.RELOADED)

    @property
    def tuned(self) -> tuple[str, str] | None:
        """The parameter that was set and its value as the operator wrote it; None if none was set."""
        if self.did.rule != Did.TUNED:
            return None
        return self.did.text("parameter") or "", self.did.text("value") or ""

    @property
    def new_policy(self) -> str | None:
        """The policy that takes over from another one; None if the policy stays."""
        return (self.did.text("policy") or "") if self.did.rule == Did.CHANGED_POLICY else None


class Fault(Event, frozen=True, tag=True):
    """Something that went wrong, and what was done about it. ``pid``: the process concerned, if any."""

    what: Clause
    pid: int | None = None

    @property
    def successor(self) -> str | None:
        """The policy that takes over from one that failed; None if none does."""
        return self.what.text("successor")

    @property
    def in_file(self) -> bool:
        """Whether the fault is in a file written by the user, such as a policy."""
        return "line" in self.what.figures

    @property
    def file(self) -> str | None:
        """The name of the user's file in which the fault is; None if it is in none."""
        return (self.what.text("file") or self.what.text("value")) if self.in_file else None

    @property
    def line(self) -> int:
        """The line of the file in which the fault is; 0 if it is in no particular line."""
        return self.what.number("line") or 0

    @property
    def traceback(self) -> str | None:
        return self.what.text("traceback")

    @property
    def process(self) -> str | None:
        """The name of the process that could not be started, or that is otherwise concerned; None if there is none."""
        return self.what.text("name")

    @property
    def of_tuning(self) -> bool:
        """Whether the operator failed to set a parameter."""
        return self.what.text("asked") == Did.TUNED

    @property
    def is_stillbirth(self) -> bool:
        """Whether a requested process could not be created, so that the run is not the one that was wanted."""
        return self.what.rule in STILLBIRTHS

    @property
    def is_stuck(self) -> bool:
        """Whether the run ends because nothing more can happen in it."""
        return self.what.rule in STUCK


class Witnessed(Event, frozen=True, tag=True):
    """In verified runs: the system's record that ``pid`` had ``cpu``'s real CPU from ``from_ns`` to ``until_ns``."""

    pid: int
    cpu: int
    from_ns: int
    until_ns: int


class Halted(Event, frozen=True, tag=True):
    """The machine is down and no process of it is left. ``why``: done, quit, stuck, time is up."""

    why: Clause


AnyEvent = (
    Booted | Scheduling | Recipe | Admitted | Became | Ready | Dispatched | Descheduled | Blocked | Waits
    | Deadlocked | Resolved | Stepped | Exited | Zombie | Reaped | Adopted | Unseen | Wrote | Terminal | PolicyNote
    | Queues | Described | Listening | Backlog | Connected | Accepted | Transferred | Closed | Operator | Fault
    | Witnessed | Halted
)  # fmt: skip

_encoder = msgspec.json.Encoder()


@cache
def _decoder() -> msgspec.json.Decoder[AnyEvent]:
    """Return the decoder, created on first use because inspecting all event types takes longer than defining them."""
    return msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """Encode an event as one line of JSON, including the newline."""
    return _encoder.encode(event) + b"\n"


def encode_all(events: Iterable[Event]) -> bytes:
    """Encode each event as one line of JSON."""
    return _encoder.encode_lines(events)


def decode(line: bytes | str) -> AnyEvent:
    """Decode the event of one line. Raises msgspec.DecodeError (ValidationError for an unknown event)."""
    return _decoder().decode(line)
