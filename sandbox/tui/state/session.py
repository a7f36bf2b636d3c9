"""One run as the terminal's side knows it: its events, the point of it that is looked at, and the link to the kernel
process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sandbox.clients.client import Clients
from sandbox.clients.script import ClientScript
from sandbox.lessons.tracker import LessonTracker
from sandbox.model.commands import Command
from sandbox.model.events import Admitted, AnyEvent, Booted, Dispatched, Event, Fault, Operator
from sandbox.model.spec import Scenario
from sandbox.scenario import built_in_folder
from sandbox.trace.record import Recorder
from sandbox.tui.state.clock import Load, MachineClock
from sandbox.tui.state.lesson_progress import Reading
from sandbox.tui.state.quiz import Question, Quiz, Verdict
from sandbox.tui.state.tree import Family
from sandbox.views.board import Board
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History


class Link(Protocol):
    """What a session needs of the kernel process (tests give it a script instead)."""

    closed: bool
    halted: bool

    def fileno(self) -> int: ...
    def send(self, command: Command) -> None: ...
    def beat(self) -> None: ...
    def receive(self) -> Sequence[AnyEvent]: ...
    def last_words(self) -> str: ...
    def end(self) -> None: ...


class Session:
    """A scenario that runs, once it has begun. ``start`` starts its kernel process; ``clock``: nanoseconds that
    go on by themselves, to move bars between events."""

    def __init__(
        self, scenario: Scenario, start: Callable[[Scenario], Link], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.scenario = scenario
        self.link: Link | None = None
        self.clock = clock
        self.story = LessonTracker(steps=[step.until for step in scenario.steps])
        self.reading = Reading(scenario.steps)
        self.past = EventLog()
        self.quiz = Quiz()
        #: What is asked of the past: who was chosen, and the point at which that had just been done.
        self._past_question: tuple[Question, Dispatched, int] | None = None
        #: What keeps its events in a file, if anything does.
        self.recorder: Recorder | None = None
        #: What is looked at while it is not the present, and what the time is there.
        self._seen: Moment | None = None
        self._seen_ns = 0
        self._family = Family()
        #: The quantum that the operator has asked for and that is not in force yet, and the one that was when he did.
        self.quantum_asked: tuple[int, int] | None = None
        #: Clients outside the schedule: those of the scenario, and those that the person at the keyboard sends.
        self.clients = Clients()
        self._clientele = ClientScript(scenario.clients, self.clients)
        self._start = start
        self._machine_clock = MachineClock(clock)
        self._load = Load()
        #: Processes of the scenario that have not arrived yet, by name.
        self._missing = {process.name for process in scenario.processes}

    def begin(self) -> Link | None:
        """Start the kernel process."""
        self.link = self._start(self.scenario)
        return self.link

    def again(self, scenario: Scenario | None = None) -> Session:
        """A new session, of another scenario or of the same."""
        session = Session(scenario or self.scenario, self._start, self.clock)
        session.quiz.wish = self.quiz.wish
        return session

    def send(self, command: Command) -> bool:
        """Ask the machine for something; False when there is none to ask."""
        if self.link is None or self.link.closed:
            return False
        self.link.send(command)
        return True

    def end(self) -> None:
        """End the machine, and with it its recording."""
        if self.link is not None:
            self.link.end()
        if self.recorder is not None:
            self.recorder.close()

    def take(self, events: Sequence[Event], fresh: bool = True) -> None:
        """Fold in what came up the link. ``fresh``: the last of it has come just now."""
        for event in events:
            self.past.add(event)
            self.quiz.take(event, len(self.past))
            self.story.add(event)
            match event:
                case Admitted(name=name, order=order) if order is not None:
                    self._missing.discard(name)
                case Fault(pid=None):
                    self._missing.discard(event.process or "")  # it will not come any more
                case Booted():
                    self._machine_clock.lose()  # it starts when all are born
                case Operator() if event.goes_on:
                    self._machine_clock.lose()
        self.reading.take(events, len(self.story.reached))
        if self._clientele.groups:
            self._clientele.take(events)
        if events and not isinstance(events[-1], Booted) and not self.past.live.board.paused:
            self._machine_clock.hear(events[-1].t_ns, fresh)

    # What is looked at

    @property
    def _moment(self) -> Moment:
        return self._seen or self.past.live

    @property
    def board(self) -> Board:
        return self._moment.board

    @property
    def history(self) -> History:
        return self._moment.history

    @property
    def names(self) -> dict[int, str]:
        """Every process's name, by pid, in order of birth."""
        return self._moment.names

    @property
    def family(self) -> Family:
        """Who started whom, later births than what is looked at included, and who is folded away."""
        self._family.grow(self.past.live.board.rows)
        return self._family

    @property
    def looks_back(self) -> bool:
        """Whether the past is looked at; the machine does not mind."""
        return self._seen is not None

    def back(self) -> None:
        """One scheduling decision back: to the last one that was made before what is looked at."""
        some_time_later = self.now_ns > self.board.now_ns
        self._see(max(self.past.decision_before(self._moment.index + some_time_later), 1))

    def forward(self) -> None:
        """One scheduling decision on, at most into the present."""
        self._go(self.past.decision_after(self._moment.index))

    def ask_or_go_forward(self) -> None:
        """As ``forward``, but before a decision between several processes it asks for it; at that question, on."""
        made = self.past.decision_after(self._moment.index)
        asked = None if self._past_question is not None else self.past.question(made)
        if asked is not None:
            point, decision = asked
            self._see(point)
            question = self.quiz.ask(decision.cpu, self.board)
            if len(question.candidates) > 1:
                self._past_question = question, decision, made
                return
        self._go(made)

    @property
    def question(self) -> Question | None:
        """What is asked where one looks."""
        if self.looks_back:
            return None if self._past_question is None else self._past_question[0]
        board = self.past.live.board
        return None if board.asked is None or self.quiz.waits else self.quiz.asked(board.asked, board)

    @property
    def verdict(self) -> Verdict | None:
        """What came of the last question, while no other decision is looked at."""
        verdict, recent = self.quiz.verdict, reversed(self.board.recent)
        last = next((event for event in recent if isinstance(event, Dispatched)), None)
        return verdict if verdict is not None and last == verdict.made and not self.finished else None

    def answer(self, pid: int) -> bool:
        """Say that this process runs next; whether the machine has yet to decide it."""
        if self._past_question is not None:
            _, decision, made = self._past_question
            self.quiz.judge(pid, decision, made)
            self._go(made)
        elif (cpu := self.past.live.board.asked) is not None:
            self.quiz.say(pid, cpu)
            return True
        return False

    def to_start(self) -> None:
        """Look at the moment when the machine was up and nothing had run."""
        self._go(1)

    def to_present(self) -> None:
        """Look at the run as it is now."""
        self._go(len(self.past))

    def next_of(self, pid: int) -> bool:
        """Look at the next change of a process; False if there is none."""
        index = self.past.next_of(pid, self._moment.index)
        if index is not None:
            self._go(index)
        return index is not None

    def look_at(self, t_ns: int) -> None:
        """Look at a time of the run, after what happened by then."""
        self._past_question = None
        if t_ns >= self.present_ns:
            self._seen = None
        else:
            index = max(self.past.index_at(t_ns), 1)
            self._seen, self._seen_ns = self.past.at(index, self._seen), max(t_ns, 0)

    def _go(self, index: int) -> None:
        """Look at the run after so many events."""
        self._past_question = None
        if index < len(self.past):
            self._see(index)
        else:
            self._seen = None

    def _see(self, index: int) -> None:
        self._past_question = None
        self._seen = self.past.at(index, self._seen)
        self._seen_ns = self._seen.board.now_ns

    @property
    def lesson_over(self) -> bool:
        """Whether there is a lesson of the course, and it has come to its end; one without steps ends with its run."""
        of_course = self.scenario.lesson is not None and self.scenario.folder == str(built_in_folder())
        return of_course and (self.reading.over if self.scenario.steps else self._is_done)

    @property
    def lesson_asks(self) -> bool:
        """Whether the lesson wants it to be asked who runs next."""
        step = self.reading.awaited
        return step is not None and step.predict

    # Where the run stands

    @property
    def died(self) -> bool:
        """Whether the kernel process is gone without having halted."""
        return self.link is not None and self.link.closed and not self.link.halted

    @property
    def _over(self) -> bool:
        board = self.past.live.board
        return board.booted is None or board.halted is not None or self.link is None or self.link.closed

    @property
    def empty(self) -> bool:
        """Whether the machine is up, and there is no process and none to come."""
        return not (self._over or self.looks_back or self.board.rows or self._missing)

    @property
    def finished(self) -> bool:
        """Whether there were processes, all have ended, and none is to come."""
        return not self.looks_back and self._is_done

    @property
    def _is_done(self) -> bool:
        board = self.past.live.board
        return bool(board.rows) and len(board.exited) == len(board.rows) and not self._missing

    @property
    def runs(self) -> bool:
        """Whether the machine's clock goes on."""
        live = self.past.live
        return not (self._over or live.board.paused or self._is_done or (not live.names and not self._missing))

    @property
    def moving(self) -> bool:
        """Whether the clock that is looked at goes on."""
        return self.runs and not self.looks_back

    @property
    def now_ns(self) -> int:
        """The time that is looked at."""
        return self._seen_ns if self.looks_back else self.present_ns

    @property
    def present_ns(self) -> int:
        """The machine's own time, as far as can be told here."""
        told_ns = self.past.live.board.now_ns
        return self._machine_clock.now_ns(told_ns) if self.runs else told_ns

    def utilisation(self) -> float:
        """The share of the last second in which the CPUs had a process, 0 … 1."""
        if self.finished or self.empty:
            return 0.0
        cpus = self.board.booted.cpus if self.board.booted else 1
        return self._load.read(self.history, cpus, self.now_ns, self.moving)

    def cpu_ns(self, pid: int) -> int:
        """CPU time used by a process so far, what it has run of its present slice included."""
        row = self.board.rows[pid]
        if row.cpu is not None and self.board.running.get(row.cpu) == pid:
            return row.cpu_ns + self.now_ns - row.since_ns
        return row.cpu_ns
