"""A live run: the link to its kernel process, and the events received through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

from sandbox import wording
from sandbox.clients.client import Clients
from sandbox.clients.script import ClientScript
from sandbox.i18n import _
from sandbox.lessons.course import finish
from sandbox.model.commands import (
    Choose,
    Command,
    Keys,
    Pace,
    Pause,
    PauseAtSteps,
    Predict,
    Press,
    Reload,
    Resume,
    Spawn,
    Step,
    Type,
    UsePolicy,
)
from sandbox.model.events import Admitted, AnyEvent, Booted, Fault, Operator
from sandbox.model.spec import Scenario
from sandbox.trace.record import Recorder
from sandbox.tui.state.clock import Load, MachineClock
from sandbox.tui.state.errors import Impossible, KernelGone
from sandbox.tui.state.lesson_progress import LessonProgress, Wait
from sandbox.tui.state.own import OwnPrograms
from sandbox.tui.state.quantum import QuantumSteps
from sandbox.tui.state.quiz import Quiz
from sandbox.tui.state.run_file import RunFile
from sandbox.tui.state.session import Link, Phase, Session, phase_of
from sandbox.tui.state.tempo import Player
from sandbox.tui.state.viewpoint import Viewpoint


class Live:
    """A session whose scenario runs. ``start`` starts its kernel process; ``clock``: a monotonic clock, in ns;
    ``recorder``: the recorder of its events from the beginning, if any; ``notices``: messages to show at first.
    ``virtual``: it runs in virtual time. ``tempo``: the initial speed of that time (None: as fast as possible).
    ``locked``: the user can neither start programs nor type into them."""

    has_machine = True
    is_read = True

    def __init__(
        self,
        scenario: Scenario,
        start: Callable[[Scenario], Link],
        clock: Callable[[], int] = time.monotonic_ns,
        recorder: Recorder | None = None,
        notices: Sequence[str] = (),
        virtual: bool = False,
        tempo: Fraction | None = Fraction(1),
        locked: bool = False,
    ) -> None:
        self.scenario = scenario
        self.locked = locked
        self.link: Link | None = None
        self.clock = clock
        self.view = Viewpoint(self._present_ns)
        self.player = Player(self.view, clock, tempo)
        self.virtual = virtual
        self.quiz = Quiz(self.view)
        self.lesson = LessonProgress(scenario)
        self.quantum = QuantumSteps()
        self.own = OwnPrograms(scenario)
        self.file = RunFile(scenario, recorder)
        self.sources: Mapping[str, str] = {}
        self.clients = Clients()
        self._client_script = ClientScript(scenario.clients, self.clients)
        self._start = start
        self._notices = notices
        self._machine_clock = MachineClock(clock, tempo)
        self._load = Load()
        #: The names of the scenario's processes that have not arrived yet.
        self._missing = {process.name for process in scenario.processes}
        #: Whether it has been stored that the reader has finished the lesson.
        self._remembered = False
        #: Whether the machine has been told to pause at the lesson's steps.
        self._pauses_at_steps = False

    # Life

    def begin(self) -> None:
        self.link = self._start(self.scenario)
        self._pace()
        self._pause_at_steps()
        self._ask_or_not()
        if self.lesson.begin():
            self.send(Pause("lesson"))  # before anything runs, so that the reader of the introduction misses nothing

    def again(self, scenario: Scenario) -> Live:
        session = following(self, scenario, self._start, self.virtual)
        session.player.tempo = self.player.tempo if self.virtual else Fraction(1)
        return session

    def restart(self) -> Live:
        return self.again(self.scenario)

    def end(self) -> None:
        if self.link is not None:
            self.file.add_events(self.link.end())
        self.file.close()

    def add_events(self, events: Sequence[AnyEvent], fresh: bool = True) -> None:
        for event in events:
            self.view.past.add(event)
            self.quiz.add_event(event)
            self.own.add(event)
            match event:
                case Admitted(name=name, order=order) if order is not None:
                    self._missing.discard(name)
                case Fault(pid=None):
                    self._missing.discard(event.process)  # it will not arrive
                case Booted():
                    self._machine_clock.lose()  # the machine's clock starts when all processes are born
                case Operator() if event.goes_on:
                    self._machine_clock.lose()
        self.lesson.add_events(events)
        if self._client_script.groups:
            self._client_script.take(events)
        if events and not isinstance(events[-1], Booted) and not self.view.live.board.paused:
            self._machine_clock.hear(events[-1].t_ns, fresh)
        self._follow_lesson()

    def _follow_lesson(self) -> None:
        """Ask the machine for what the lesson wants, and store when the lesson is over."""
        self._ask_or_not()  # first, as withdrawing a question ends its pause
        if self.lesson.wants_pause():
            self.view.to_present()
            self.send(Pause("lesson"))
        if self.lesson_over and self.lesson.open and not self._remembered:
            self._remembered = True
            finish(self.scenario.name)

    def _pause_at_steps(self) -> None:
        """Tell the machine whether to pause at the lesson's steps: only the machine knows at once when a step is
        done."""
        if self.lesson.open is not self._pauses_at_steps and any(step.pause for step in self.lesson.steps):
            self._pauses_at_steps = self.lesson.open
            self.send(PauseAtSteps(self._pauses_at_steps))

    def _ask_or_not(self) -> None:
        """Tell the machine whether to ask which process runs next: as the user wishes, or else as the lesson wants."""
        wanted, step = self.quiz.wish, self.lesson.awaited
        if wanted is None:
            wanted = self.lesson.open and step is not None and step.predict
        if wanted is not self.quiz.on:
            self.quiz.on = wanted
            self.send(Predict(wanted))

    def read(self, for_s: float) -> None:
        """Do nothing: the events of a live run arrive through the link."""

    def problems(self) -> Sequence[str]:
        return self._notices

    def advance(self) -> None:
        """Advance the playback of the past, if it is being played. The machine's clock advances by itself."""
        self.player.advance(is_all=True)

    def change_tempo(self, by: int) -> None:
        """Change the speed of virtual time, or else play the past at a changed tempo, starting at the point looked at;
        the machine stays paused."""
        if self.virtual and not self.view.looks_back:
            self.player.change(by)
            self._pace()
            return
        if not self.view.looks_back:
            raise Impossible(
                _("Real processes take their own time; ossandbox --stretch 10 makes synthetic work ten times as long")
            )
        self.advance()
        if not self.view.looks_back:
            return  # playback has just reached the present
        try:
            self.player.change(by)
        finally:
            if not self.plays:
                self.player.start()

    def _pace(self) -> None:
        """Tell the machine to let virtual time pass at the player's tempo."""
        if self.virtual:
            tempo = self.player.tempo
            self._machine_clock.set_pace(tempo)
            self.send(Pace(None if tempo is None else tempo.as_integer_ratio()))

    @property
    def tempo_shown(self) -> str:
        return self.player.shown if self.view.looks_back or self.virtual else ""

    # Requests of the user

    def send(self, command: Command) -> bool:
        if self.link is None or self.link.closed or (self.locked and _is_of_programs(command)):
            return False
        self.link.send(command)
        if isinstance(command, Type) or (isinstance(command, Keys) and not command.automatic):
            self.own.type(int(command.who))
        return True

    def ask(self, command: Command) -> None:
        if self.locked and _is_of_programs(command):
            raise Impossible(_("Programs can be neither started nor typed into here"))
        self.view.to_present()
        if not self.send(command) and self.link is not None:
            raise KernelGone
        if isinstance(command, Spawn):
            self.own.ask(command.argv)

    def look(self, move: Callable[[], object]) -> None:
        if self.view.live.board.booted is not None:
            move()
            if self.view.looks_back and self.runs:
                self.send(Pause())

    def pause(self) -> None:
        if self.plays:
            self.player.stop()
            return
        paused = self.view.live.board.paused
        if self._is_done and not paused and not self.view.looks_back:
            raise Impossible(_("Everything has ended: there is nothing to pause"))
        self.ask(Resume() if paused else Pause())

    @property
    def pause_does(self) -> Literal["pause", "go on", "play"]:
        if self.plays:
            return "pause"
        return "go on" if self.view.board.paused or self.view.looks_back else "pause"

    def step(self) -> None:
        if self.view.looks_back:
            self.look(self.quiz.step)
        elif self._is_done:
            raise Impossible(_("Everything has ended: there is nothing left to decide"))
        else:
            self.ask(Step())

    def predict(self, wish: bool) -> None:
        self.quiz.wish = wish
        asked = self.quiz.question is not None and not self.view.looks_back
        self._ask_or_not()
        if asked and not wish:
            self.send(Pause())  # the question is withdrawn, but its pause remains

    def answer(self, pid: int) -> None:
        question = self.quiz.question
        if question is not None and question.chooses:
            self.ask(Choose(str(pid)))
        elif self.quiz.answer(pid):
            self.ask(Step())

    def go_on(self) -> None:
        if self.view.looks_back:
            self.step()
        else:
            self.ask(Resume())

    def show_lesson(self, shown: bool) -> None:
        self.lesson.open = shown
        if self.link is not None:
            self._pause_at_steps()
            self._ask_or_not()

    # State

    @property
    def died(self) -> bool:
        return self.link is not None and self.link.closed and not self.link.halted

    @property
    def _is_down(self) -> bool:
        board = self.view.live.board
        return board.booted is None or board.halted is not None or self.link is None or self.link.closed

    @property
    def _is_done(self) -> bool:
        return self.view.live.board.all_ended and not self._missing

    @property
    def empty(self) -> bool:
        return not (self._is_down or self.view.looks_back or self.view.board.rows or self._missing)

    @property
    def finished(self) -> bool:
        return not self.view.looks_back and self._is_done

    @property
    def lesson_over(self) -> bool:
        return self.lesson.is_over(self._is_done or (not self._missing and self.own.are_all(self.view.live.board)))

    @property
    def lesson_waits(self) -> Wait:
        return self.lesson.wait(self.view.live.board, self._is_done)

    @property
    def runs(self) -> bool:
        live = self.view.live
        return not (self._is_down or live.board.paused or self._is_done or (not live.names and not self._missing))

    @property
    def moving(self) -> bool:
        return self.plays or (self.runs and not self.view.looks_back)

    @property
    def plays(self) -> bool:
        return self.player.plays

    @property
    def phase(self) -> Phase:
        if self.view.looks_back:
            return Phase.PLAYING if self.plays else Phase.PAST
        if self.died:
            return Phase.DIED
        phase = phase_of(self.view.board, self.empty, self.finished)
        return Phase.BOOTING if phase is Phase.RUNNING and self._bears else phase

    @property
    def _bears(self) -> bool:
        """Whether processes that exist from the beginning are still to be created: a busy system takes time for
        that."""
        return not self.view.live.names and any(each.arrive_ns == 0 for each in self.scenario.processes)

    def utilisation(self) -> float:
        if self.finished or self.empty:
            return 0.0
        return self._load.share(self.view, self.moving and not self.player.is_slow)

    def _present_ns(self) -> int:
        """Return the machine's time in ns, estimated between events. In a stepped machine, time advances only with each
        turn."""
        told_ns = self.view.live.board.now_ns
        by_itself = self.runs and not self.scenario.machine.stepped
        return self._machine_clock.now_ns(told_ns) if by_itself else told_ns


def _is_of_programs(command: Command) -> bool:
    """Whether a command runs code or controls a program. Automatic answers of the terminal do not count."""
    if isinstance(command, Keys):
        return not command.automatic
    return isinstance(command, Spawn | Type | Press | Reload) or (
        isinstance(command, UsePolicy) and ":" in command.policy
    )


def following(before: Session, scenario: Scenario, start: Callable[[Scenario], Link], virtual: bool = False) -> Live:
    """Return a new live session that replaces another one. A wish to be asked which process runs next is kept; a wish
    not to be asked concerned the old run only. Raises Impossible for a scenario with real programs in virtual time."""
    if virtual:
        from sandbox.machines.simulate import obstacles  # imported late, to show the first frame sooner

        if problems := obstacles(scenario):
            raise Impossible(f"{scenario.name}: {wording.problem(problems[0].what)}")
    session = Live(scenario, start, before.clock, virtual=virtual, locked=before.locked)
    session.quiz.wish = before.quiz.wish or None
    return session
