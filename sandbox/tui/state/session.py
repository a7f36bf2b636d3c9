"""What the screen needs of a run. There are two kinds, ``Live`` and ``Replay``, and nobody asks which one it is."""

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


class Phase(StrEnum):
    """What the machine is about."""

    BOOTING = auto()
    EMPTY = auto()
    RUNNING = auto()
    PAUSED = auto()
    FINISHED = auto()
    HALTED = auto()
    DIED = auto()
    #: The past of a run is looked at: it stands still, or is played.
    PAST = auto()
    PLAYING = auto()
    #: The same of a recording: it stands still, or is played.
    REPLAY = auto()
    REPLAYING = auto()


class Link(Protocol):
    """What a session needs of the kernel process (tests give it a script instead)."""

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
    """A run, live or recorded. What is asked of it raises Impossible or KernelGone where it cannot be done."""

    scenario: Scenario
    view: Viewpoint
    quiz: Quiz
    lesson: LessonProgress
    quantum: QuantumSteps
    #: Programs of the reader's own.
    own: OwnPrograms
    file: RunFile
    #: The programs as they were, by the names of their files, where they were kept with the run.
    sources: Mapping[str, str]
    #: Clients outside the schedule: those of the scenario, and those that the person at the keyboard sends.
    clients: Clients
    #: Nanoseconds that go on by themselves, to move bars between events.
    clock: Callable[[], int]
    #: The kernel process, once there is one.
    link: Link | None
    #: Whether nobody starts programs, or types into any.
    locked: bool
    #: Whether there is, or was, a machine that can be asked for something.
    has_machine: bool

    # Life

    def begin(self) -> None:
        """Start what there is to start. Raises OSError."""

    def again(self, scenario: Scenario) -> Session:
        """A new session, of another scenario or of the same, which has not begun yet."""

    def restart(self) -> Session:
        """Go back to the beginning: the session that is there then, perhaps a new one."""

    def end(self) -> None:
        """End the machine, and with it the file that keeps its events."""

    def add_events(self, events: Sequence[AnyEvent], fresh: bool = True) -> None:
        """Take in what came up the link. ``fresh``: the last of it has come just now."""

    @property
    def is_read(self) -> bool:
        """Whether all is known that there is to know by now."""

    def read(self, for_s: float) -> None:
        """Read on, for so long at least."""

    def problems(self) -> Sequence[str]:
        """What is to be said of what has been read, in sentences: what was wrong with it, first of all."""

    def advance(self) -> None:
        """Look at what is to be seen by now."""

    def change_tempo(self, by: int) -> None:
        """Play what has happened one step faster, or slower."""

    # What a person asks for

    def send(self, command: Command) -> bool:
        """Tell the machine something; False when nobody hears it."""

    def ask(self, command: Command) -> None:
        """Ask the machine for something, and look at what comes of it."""

    def look(self, move: Callable[[], object]) -> None:
        """Look at something else than the present, once there is anything. A machine that runs pauses, and it keeps its
        pause: what is looked at is none of its business."""

    def pause(self) -> None:
        """Pause, or go on."""

    @property
    def pause_does(self) -> Literal["pause", "go on", "play"]:
        """What ``pause`` would do now."""

    def step(self) -> None:
        """One scheduling decision; of the past it is asked for first, while the quiz is on."""

    def predict(self, wish: bool) -> None:
        """Ask before each choice from now on, or no longer."""

    def answer(self, pid: int) -> None:
        """Say that this process runs next; where a person decides it, it does."""

    def go_on(self) -> None:
        """On to the next question."""

    def show_lesson(self, shown: bool) -> None:
        """The lesson can be seen, or no longer."""

    # How it stands

    @property
    def runs(self) -> bool:
        """Whether the machine's clock goes on."""

    @property
    def moving(self) -> bool:
        """Whether the clock that is looked at goes on."""

    @property
    def plays(self) -> bool:
        """Whether what has happened is played."""

    @property
    def tempo_shown(self) -> str:
        """How fast the time that is looked at goes by, if not as it did."""

    @property
    def empty(self) -> bool:
        """Whether the machine is up, and there is no process and none to come."""

    @property
    def finished(self) -> bool:
        """Whether there were processes, all have ended, and none is to come."""

    @property
    def died(self) -> bool:
        """Whether the kernel process is gone without having halted."""

    @property
    def lesson_over(self) -> bool:
        """Whether there is a lesson of the course, and it has come to its end."""

    @property
    def lesson_waits(self) -> Wait:
        """What the lesson waits for."""

    @property
    def phase(self) -> Phase: ...

    def utilisation(self) -> float:
        """The share of the last second in which the CPUs had a process, 0 … 1."""


def phase_of(board: Board, empty: bool, finished: bool) -> Phase:
    """That of a machine as its board tells."""
    if board.halted is not None:
        return Phase.HALTED
    if board.paused:
        return Phase.PAUSED
    if board.booted is None:
        return Phase.BOOTING
    if empty:
        return Phase.EMPTY
    return Phase.FINISHED if finished else Phase.RUNNING
