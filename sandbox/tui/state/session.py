"""The interface between the screen and a run. Its two implementations, ``Live`` and ``Replay``, are interchangeable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum, auto
from typing import Literal, Protocol

from sandbox.clients.client import Clients
from sandbox.model.commands import Command
from sandbox.model.events import AnyEvent, Event
from sandbox.model.spec import Scenario
from sandbox.tui.state.lesson_progress import LessonProgress, Wait
from sandbox.tui.state.own import OwnPrograms
from sandbox.tui.state.quantum import QuantumSteps
from sandbox.tui.state.quiz import Quiz
from sandbox.tui.state.run_file import RunFile
from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.views.board import Board

#: The policy under which the user gives the turns.
MANUAL = "manual"


class Phase(StrEnum):
    """The state of the machine, or of the look at the past."""

    BOOTING = auto()
    EMPTY = auto()
    RUNNING = auto()
    PAUSED = auto()
    FINISHED = auto()
    HALTED = auto()
    DIED = auto()
    #: The past of a live run is looked at: paused, or playing.
    PAST = auto()
    PLAYING = auto()
    #: A recording is looked at: paused, or playing.
    REPLAY = auto()
    REPLAYING = auto()


class Link(Protocol):
    """What a session needs of the connection to a kernel process; tests replace it by a script."""

    @property
    def closed(self) -> bool: ...
    @property
    def halted(self) -> bool: ...

    def fileno(self) -> int: ...
    def send(self, command: Command) -> None: ...
    def beat(self) -> None: ...
    def receive(self) -> Sequence[AnyEvent]: ...
    def last_words(self) -> str: ...
    def end(self) -> Sequence[Event]: ...


class Session(Protocol):
    """A run, live or recorded. Its methods raise Impossible or KernelGone for requests that cannot be carried out."""

    scenario: Scenario
    view: Viewpoint
    quiz: Quiz
    lesson: LessonProgress
    quantum: QuantumSteps
    #: The reader's own programs.
    own: OwnPrograms
    file: RunFile
    #: The source texts of the programs by file name, if they were stored with the run.
    sources: Mapping[str, str]
    #: Clients that are not scheduled: those of the scenario, and those that the user sends.
    clients: Clients
    #: A monotonic clock, in ns, to move bars between events.
    clock: Callable[[], int]
    #: The link to the kernel process; None if there is none.
    link: Link | None
    #: Whether the user can neither start programs nor type into them.
    locked: bool
    #: Whether there is or was a machine that takes commands.
    has_machine: bool

    # Life

    def begin(self) -> None:
        """Start the session. Raises OSError."""

    def again(self, scenario: Scenario) -> Session:
        """Return a new session, not yet begun, of the same or another scenario."""

    def restart(self) -> Session:
        """Go back to the beginning. Returns the session to go on with, which may be a new one."""

    def end(self) -> None:
        """End the machine and the recording of its events."""

    def add_events(self, events: Sequence[AnyEvent], fresh: bool = True) -> None:
        """Take in events from the link. ``fresh``: the last one has arrived just now."""

    @property
    def is_read(self) -> bool:
        """Whether all that is known so far has been read."""

    def read(self, for_s: float) -> None:
        """Read more of the run, for at least ``for_s`` seconds if there is as much."""

    def problems(self) -> Sequence[str]:
        """Return messages about the run to show at first, such as what is wrong with a recording."""

    def advance(self) -> None:
        """Advance to the point to be shown by now."""

    def change_tempo(self, by: int) -> None:
        """Play the run one step faster or slower, by the sign of ``by``."""

    # Requests of the user

    def send(self, command: Command) -> bool:
        """Send a command to the machine. Returns False if it cannot be sent."""

    def ask(self, command: Command) -> None:
        """Send a command to the machine, and turn to the present to show its effect."""

    def look(self, move: Callable[[], object]) -> None:
        """Carry out a move of the viewpoint, once the machine has booted. If the move leads to the past, a running
        machine is paused; a paused one stays paused."""

    def pause(self) -> None:
        """Pause, or go on."""

    @property
    def pause_does(self) -> Literal["pause", "go on", "play"]:
        """What ``pause`` would do now."""

    def step(self) -> None:
        """Go on by one scheduling decision; in the past, the quiz asks about it first while it is on."""

    def predict(self, wish: bool) -> None:
        """Ask before each scheduling decision from now on, or stop asking."""

    def answer(self, pid: int) -> None:
        """Answer that this process runs next; if the user decides it, it is dispatched."""

    def go_on(self) -> None:
        """Go on to the next question."""

    def show_lesson(self, shown: bool) -> None:
        """Note whether the lesson is shown."""

    # State

    @property
    def runs(self) -> bool:
        """Whether the machine's clock is running."""

    @property
    def moving(self) -> bool:
        """Whether the time looked at is advancing."""

    @property
    def plays(self) -> bool:
        """Whether the past or a recording is being played."""

    @property
    def tempo_shown(self) -> str:
        """The speed of the time looked at, as text; "" for the original speed."""

    @property
    def empty(self) -> bool:
        """Whether the machine is up without any process, and none is to come."""

    @property
    def finished(self) -> bool:
        """Whether there were processes, all have ended, and none is to come."""

    @property
    def died(self) -> bool:
        """Whether the kernel process has ended without having halted."""

    @property
    def lesson_over(self) -> bool:
        """Whether the session has a lesson of the course that has come to its end."""

    @property
    def lesson_waits(self) -> Wait:
        """What the lesson is waiting for."""

    @property
    def phase(self) -> Phase: ...

    def utilisation(self) -> float:
        """Return the share of the CPUs' time in the last second that processes used, 0 … 1."""


def phase_of(board: Board, empty: bool, finished: bool) -> Phase:
    """Return the phase of a machine, given its board."""
    if board.halted is not None:
        return Phase.HALTED
    if board.paused:
        return Phase.PAUSED
    if board.booted is None:
        return Phase.BOOTING
    if empty:
        return Phase.EMPTY
    return Phase.FINISHED if finished else Phase.RUNNING
