"""A session that shows a recording: it has no machine, its present is the recording's end, and it can be played."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Literal

import msgspec

from sandbox import wording
from sandbox.clients.client import Clients
from sandbox.i18n import _
from sandbox.model.commands import Command
from sandbox.model.events import AnyEvent
from sandbox.model.spec import Scenario
from sandbox.scenario import built_in_folder
from sandbox.trace.load import Recording
from sandbox.tui.state.clock import Load
from sandbox.tui.state.errors import Impossible
from sandbox.tui.state.lesson_progress import LessonProgress, Wait
from sandbox.tui.state.live import Live, following
from sandbox.tui.state.own import OwnPrograms
from sandbox.tui.state.quantum import QuantumSteps
from sandbox.tui.state.quiz import Quiz
from sandbox.tui.state.run_file import RunFile
from sandbox.tui.state.session import Link, Phase, phase_of
from sandbox.tui.state.tempo import Player
from sandbox.tui.state.viewpoint import Viewpoint

#: The number of events to take in before the clock is read again.
_AT_ONCE = 200


class Replay:
    """A recording, seen as a session. ``start`` starts the kernel process of a scenario that is opened from it;
    ``clock``: a monotonic clock, in ns; ``tempo``: the initial playing speed (None: as fast as possible); ``notices``:
    messages to show at first."""

    link: Link | None = None
    has_machine = False
    locked = False
    #: Without a machine, nothing runs or dies, and no process is to come.
    runs = False
    died = False
    empty = False

    def __init__(
        self,
        recording: Recording,
        start: Callable[[Scenario], Link],
        clock: Callable[[], int] = time.monotonic_ns,
        tempo: Fraction | None = Fraction(1),
        notices: Sequence[str] = (),
    ) -> None:
        scenario = recording.header.scenario
        if scenario.folder != str(built_in_folder()):  # a recording must not choose files to read
            scenario = msgspec.structs.replace(scenario, lesson=None)
        self.scenario = scenario
        self.clock = clock
        self.view = Viewpoint(self._present_ns)
        self.player = Player(self.view, clock, tempo)
        self.quiz = Quiz(self.view)
        self.lesson = LessonProgress(scenario)
        self.quantum = QuantumSteps()
        self.own = OwnPrograms(scenario)
        self.file = RunFile(scenario)
        self.sources: Mapping[str, str] = recording.header.sources
        self.clients = Clients()
        self.is_read = False
        self._start = start
        self._load = Load()
        self._recording = recording
        self._notices = notices
        self._events: Iterator[AnyEvent] = recording.events()

    # Life

    def begin(self) -> None:
        """Turn to the beginning. There is nothing to start."""
        if not len(self.view.past):
            self.read(0)
        self.view.to_start()

    def again(self, scenario: Scenario) -> Live:
        return following(self, scenario, self._start, virtual=sys.platform != "linux")

    def restart(self) -> Replay:
        self.look(self.view.to_start)
        return self

    def end(self) -> None:
        self.file.close()

    def add_events(self, events: Sequence[AnyEvent], fresh: bool = True) -> None:
        for event in events:
            self.view.past.add(event)
        self.lesson.add_events(events)

    def read(self, for_s: float) -> None:
        give_up = time.monotonic() + for_s
        while not self.is_read:
            events = [*islice(self._events, _AT_ONCE)]
            self.add_events(events)
            self.is_read = len(events) < _AT_ONCE
            if time.monotonic() >= give_up:
                return

    def problems(self) -> Sequence[str]:
        name = os.path.basename(self._recording.path)
        return [*self._notices, *(f"{name}: {wording.recording(problem)}" for problem in self._recording.problems)]

    # Playing

    @property
    def plays(self) -> bool:
        return self.player.plays

    moving = plays

    def advance(self) -> None:
        """Advance to the point that playback has reached by now."""
        self.player.advance(self.is_read)

    def change_tempo(self, by: int) -> None:
        self.advance()  # the time until now has passed at the old tempo
        self.player.change(by)

    @property
    def tempo_shown(self) -> str:
        return self.player.shown

    # Requests of the user

    def send(self, command: Command) -> bool:
        return False

    def ask(self, command: Command) -> None:
        raise Impossible(_("This is a recording: what happened has happened"), severe=True)

    def look(self, move: Callable[[], object]) -> None:
        if self.view.live.board.booted is not None:
            move()

    def pause(self) -> None:
        """Start or stop playing at the point looked at; from the end, start again at the beginning."""
        if self.plays:
            self.advance()
            self.player.stop()
            return
        if not self.view.looks_back:
            self.view.to_start()
        self.player.start()

    @property
    def pause_does(self) -> Literal["pause", "go on", "play"]:
        return "play" if self.view.board.paused or not self.plays else "pause"

    def step(self) -> None:
        if not self.view.looks_back:
            raise Impossible(_("This is the end of the recording"))
        self.quiz.step()

    def predict(self, wish: bool) -> None:
        self.quiz.wish = self.quiz.on = wish

    def answer(self, pid: int) -> None:
        if self.quiz.answer(pid):
            raise Impossible(_("This is a recording: what happened has happened"), severe=True)

    def go_on(self) -> None:
        self.step()

    def show_lesson(self, shown: bool) -> None:
        """Do nothing: the lesson of a recording asks nothing and never pauses."""

    # State

    @property
    def finished(self) -> bool:
        return not self.view.looks_back and self.view.live.board.all_ended

    @property
    def lesson_over(self) -> bool:
        return self.lesson.is_over(self.view.live.board.all_ended)

    @property
    def lesson_waits(self) -> Wait:
        return Wait.NOTHING

    @property
    def phase(self) -> Phase:
        if self.view.looks_back:
            return Phase.REPLAYING if self.plays else Phase.REPLAY
        return phase_of(self.view.board, self.empty, self.finished)

    def utilisation(self) -> float:
        return 0.0 if self.finished else self._load.share(self.view, self.plays and not self.player.is_slow)

    def _present_ns(self) -> int:
        return self.view.live.board.now_ns
