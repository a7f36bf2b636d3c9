"""What can happen: the one language between kernel, screen, files and tests.

Events are small frozen records, encoded as one JSON object a line. Times are integer nanoseconds since boot; the
machine's clock stands still while the machine is paused, so a pause is no gap. Reasons, rules, causes and faults are
data (a ``Clause``), not sentences: the reader's screen says them in the reader's language, and tests compare data.
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

#: Why a process is dispatched that no policy has chosen anew: it had the CPU before a pause, or before a question.
RESUMED = Clause("goes on after a pause")
KEEPS = Clause("keeps the CPU")
GOES_ON = (RESUMED.rule, KEEPS.rule)


class Booted(Event, frozen=True, tag=True):
    """The machine is up; nothing has run yet. ``kept``: of processes that the scenario does not name, so many are
    remembered after their end."""

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
    """The operator changed the policy or its parameters; this is in force from now on."""

    policy: str
    parameters: dict[str, object]
    ties: str


class Recipe(Event, frozen=True, tag=True):
    """This recipe is in force from now on: how one process is switched for another. ``why``: it was another one."""

    recipe: str
    why: Clause


class Admitted(Event, frozen=True, tag=True):
    """A process exists from now on. ``order`` is its place in the scenario (None: forked or spawned)."""

    pid: int
    name: str
    runs: str
    os_pid: int | None = None
    parent: int | None = None
    order: int | None = None
    demand_ns: int | None = None


class Became(Event, frozen=True, tag=True):
    """A process that was found, not started from the scenario, has become another program."""

    pid: int
    name: str
    runs: str

    def after(self, admitted: Admitted) -> Admitted:
        """The Admitted of the same process, with its present name and program."""
        return msgspec.structs.replace(admitted, name=self.name, runs=self.runs)


class Ready(Event, frozen=True, tag=True):
    """``pid`` could run, and waits for its turn."""

    pid: int
    reason: ReadyReason


class Dispatched(Event, frozen=True, tag=True):
    """The policy chose ``pid`` for ``cpu``: the scheduling decision. ``slice_ns`` None: until it blocks."""

    pid: int
    cpu: int
    slice_ns: int | None
    why: Clause

    @property
    def is_decision(self) -> bool:
        """Whether the policy decided; not where a process goes on after a pause."""
        return self.why != RESUMED

    @property
    def begins_turn(self) -> bool:
        """Whether a turn begins: not where a process goes on."""
        return self.why.rule not in GOES_ON

    @property
    def takes_head(self) -> bool:
        """Whether it was chosen because it was the head of the ready queue."""
        return self.why.rule == HEAD_OF_QUEUE


class Descheduled(Event, frozen=True, tag=True):
    """``pid`` left the CPU. ``ran_ns``: the CPU time it used since it last left one, as far as that is known; the sum
    over a process's life is exactly its total, unless the system took the CPU from it in its very last slices.
    ``undispatched_ns`` of it were used without being dispatched: after it woke
    by itself, or until a late stop took effect. ``stolen_ns``: for so long since it was dispatched it could run, and
    somebody else had its CPU: another program, or one of ours that had not been dispatched."""

    pid: int
    cpu: int
    ran_ns: int
    reason: DescheduledReason
    undispatched_ns: int = 0
    stolen_ns: int = 0


class Blocked(Event, frozen=True, tag=True):
    """``pid`` waits for something else than the CPU. ``again``: it had been waiting, woke, and waits for something else
    before anybody could stop it; its state has not changed."""

    pid: int
    on: Clause
    again: bool = False

    @property
    def reads_console(self) -> bool:
        """Whether it waits for somebody to type."""
        return self.on.rule == READ_CONSOLE or (self.on.rule == POLL and self.on.text("on") == "console")

    @property
    def is_stop(self) -> bool:
        """Whether it waits for nothing but that somebody continues it."""
        return self.on.rule in STOPPED

    @property
    def for_first_of_several(self) -> bool:
        """Whether it waits for the first of several descriptors."""
        return self.on.rule == POLL and ", " in (self.on.text("on") or "")

    @property
    def for_others(self) -> bool:
        """Whether another process ends the wait."""
        return self.on.rule in FOR_OTHERS


class Waits(Event, frozen=True, tag=True):
    """For whom ``pid`` waits: the ``holders`` have the ``resource``, which is called the same in every such event, and
    one of them (``any``) or all have to let go of it. ``by``: that was read from the system ("seen"), or told by the
    program itself ("said"). No holders though that is known: whoever had it has ended, and it waits for ever."""

    pid: int
    resource: str
    holders: list[int]
    by: Literal["seen", "said", "unknown"]
    any: bool = False


class Edge(msgspec.Struct, frozen=True):
    """``pid`` waits for ``holder``, who has the ``resource``; ``taken``: since which line, where that is said."""

    pid: int
    holder: int
    resource: str
    taken: str = ""


class Deadlocked(Event, frozen=True, tag=True):
    """None of ``pids`` can ever go on: each of them waits for others of them. ``core``: those in the knot itself, for
    whom the others wait. ``may_end``: as far as one can see; a time-out may end it. ``lively``: those of whom other
    threads go on."""

    pids: list[int]
    core: list[int]
    edges: list[Edge]
    may_end: bool = False
    lively: list[int] = msgspec.field(default_factory=list)


class Resolved(Event, frozen=True, tag=True):
    """These were in a deadlock, and can go on, or have ended."""

    pids: list[int]


class Exited(Event, frozen=True, tag=True):
    """``code``: exit status; ``signal``: which one ended it; both None: unknown. The times are of its whole life."""

    pid: int
    code: int | None
    signal: int | None
    cpu_ns: int
    waiting_ns: int
    blocked_ns: int
    undispatched_ns: int = 0

    @property
    def status(self) -> int | None:
        """One number, as ``subprocess`` gives it: the exit code, or minus the signal."""
        return self.code if self.signal is None else -self.signal


class Unseen(Event, frozen=True, tag=True):
    """Children of ``pid``, or theirs, have used so much CPU time who had ended before anybody saw them: by the system's
    account of its family, less what is known of it. How many they were nobody knows."""

    pid: int
    cpu_ns: int


class Wrote(Event, frozen=True, tag=True, omit_defaults=True):
    """Text that a process wrote, with nothing in it but what dresses and corrects its own line
    (``sandbox.util.text.clean_console``); ``sandbox.util.text.clean`` makes it plain.

    ``raw``: the same as it came out of its terminal, where that says more than ``text``: it may steer a terminal, and
    is for nobody but the one that we emulate.
    """

    pid: int
    stream: Stream
    text: str
    raw: str | None = None


class Terminal(Event, frozen=True, tag=True):
    """How the terminal of a process is set from now on: its size, whether it hands on whole lines (``canonical``) or
    each key, and whether it shows what is typed (``echo``)."""

    pid: int
    rows: int
    columns: int
    canonical: bool = True
    echo: bool = True

    @property
    def hides(self) -> bool:
        """Whether what is typed is shown by nobody: a program asks for a password. One that takes each key by itself
        may show it."""
        return self.canonical and not self.echo


class PolicyNote(Event, frozen=True, tag=True):
    """What a policy did of its own accord: demoted, boosted, aged, drew a ticket."""

    note: Clause
    pid: int | None = None

    @property
    def misses_deadline(self) -> bool:
        return self.note.rule == MISSED_DEADLINE


class Queues(Event, frozen=True, tag=True):
    """The policy's queues as it sees them, best first, and who is on the CPUs; told only when somebody looks."""

    queues: list[QueueView]
    running: list[Queued]


class Described(Event, frozen=True, tag=True):
    """The policy in force, told only when somebody asks. ``source``: how it can be found again; ``file``: where its
    class is written (None: nowhere); ``says``: that class's own words."""

    policy: str
    source: str
    file: str | None
    says: str
    parameters: list[ParameterView]


class Operator(Event, frozen=True, tag=True):
    """What the person at the keyboard, or the scenario's script, did."""

    did: Clause

    @property
    def is_pause(self) -> bool:
        return self.did.rule == Did.PAUSED

    @property
    def goes_on(self) -> bool:
        """Whether it ends a pause, if only for one decision."""
        return self.did.rule in (Did.RESUMED, Did.STEPPED, Did.CHOSE)

    @property
    def asks_cpu(self) -> int | None:
        """The CPU for which the machine pauses to ask who will run; None where it does not ask."""
        return self.did.number("cpu") if self.is_pause else None

    @property
    def asks_choice(self) -> bool:
        """Whether the machine pauses for a person to choose who shall run."""
        return self.is_pause and self.did.text("by") == PausedBy.CHOICE

    @property
    def takes_other_policy(self) -> bool:
        """Whether another policy takes over, or the same one anew from its file."""
        return self.did.rule in (Did.CHANGED_POLICY, Did.RELOADED)

    @property
    def tuned(self) -> tuple[str, str] | None:
        """The parameter that was set, and its value as the operator wrote it."""
        if self.did.rule != Did.TUNED:
            return None
        return self.did.text("parameter") or "", self.did.text("value") or ""

    @property
    def new_policy(self) -> str | None:
        """The policy that takes over from another one."""
        return (self.did.text("policy") or "") if self.did.rule == Did.CHANGED_POLICY else None


class Fault(Event, frozen=True, tag=True):
    """What went wrong, and what was done about it."""

    what: Clause
    pid: int | None = None

    @property
    def successor(self) -> str | None:
        """The policy that takes over from one that failed."""
        return self.what.text("successor")

    @property
    def in_file(self) -> bool:
        """Whether it went wrong in somebody's own file."""
        return "line" in self.what.figures

    @property
    def file(self) -> str | None:
        """The name of that file."""
        return (self.what.text("file") or self.what.text("value")) if self.in_file else None

    @property
    def line(self) -> int:
        """The line of that file; 0: none of it."""
        return self.what.number("line") or 0

    @property
    def traceback(self) -> str | None:
        return self.what.text("traceback")

    @property
    def process(self) -> str | None:
        """The name of the process that could not be started, or that it is about otherwise."""
        return self.what.text("name")

    @property
    def of_tuning(self) -> bool:
        """Whether the operator wanted to set a parameter, and could not."""
        return self.what.text("asked") == Did.TUNED

    @property
    def is_stillbirth(self) -> bool:
        """Whether a process that was asked for never came to be: the run is not the one that was wanted."""
        return self.what.rule in STILLBIRTHS

    @property
    def is_stuck(self) -> bool:
        """Whether the run ends because nothing can happen in it any more."""
        return self.what.rule in STUCK


class Witnessed(Event, frozen=True, tag=True):
    """In verified runs: by the system's record ``pid`` had the real CPU of ``cpu`` from ``from_ns`` to ``until_ns``."""

    pid: int
    cpu: int
    from_ns: int
    until_ns: int


class Halted(Event, frozen=True, tag=True):
    """The machine is down and nothing of it is left. ``why``: done, quit, stuck, time is up."""

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
    """Made when something is read: to look at all kinds of events takes longer than to define them."""
    return msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """One event as one line of JSON, newline included."""
    return _encoder.encode(event) + b"\n"


def encode_all(events: Iterable[Event]) -> bytes:
    """Each event as one line of JSON."""
    return _encoder.encode_lines(events)


def decode(line: bytes | str) -> AnyEvent:
    """The event of one line. Raises msgspec.DecodeError (ValidationError for an unknown event)."""
    return _decoder().decode(line)
