"""The app: events from the kernel process become the board, so many times a second as one can see. It forks
nothing and schedules nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections import deque
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.screen import Screen

from sandbox import wording
from sandbox.i18n import _
from sandbox.lessons.progress import finish
from sandbox.link.wire import HEARTBEAT_S
from sandbox.model.commands import Pause, Resume
from sandbox.model.events import Fault, Operator
from sandbox.model.spec import Scenario
from sandbox.tui.asking import Asking
from sandbox.tui.compat import break_lines_in_every_script, fail
from sandbox.tui.config import Config
from sandbox.tui.keys import bindings
from sandbox.tui.palette import DARK, LIGHT
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.signals import Signals
from sandbox.tui.state.replay import Replay
from sandbox.tui.state.session import Link, Session
from sandbox.tui.terminal import Terminal
from sandbox.tui.widgets.lines import TALL, WIDE

_FRAMES_PER_S = 12
#: Of one core; where a frame costs more, there are fewer of them. The CPU is the processes'.
_SHARE_MOST = 0.09
#: What a frame costs is told by so many.
_FRAMES_WEIGHED = 9
_SLOWEST_FRAME_S = 0.5
#: Within so long the kernel process has answered a command.
_ANSWER_S = 0.02
#: So many messages about faults at once, and no more: the rest would bury the board.
_TOLD_MOST = 3
#: Faults that the board shows anyway: the script would do something to who has ended.
_PLAIN_TO_SEE = ("has ended already",)


class SandboxApp(Asking):
    """The app over one session at a time."""

    TITLE = "ossandbox"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    ENABLE_COMMAND_PALETTE = False  # Textual's own way to it; ours is an action like the others
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - Textual declares no class variable
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]  # noqa: RUF012

    def __init__(self, session: Session, config: Config | None = None) -> None:
        no_color = os.environ.get("NO_COLOR")
        super().__init__(driver_class=Terminal)
        break_lines_in_every_script()
        if no_color is not None:  # Textual takes it out; the processes shall see it
            os.environ["NO_COLOR"] = no_color
        self.session = session
        self.config = config or Config()
        self.signals = Signals(self)
        self._next_frame: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._spent_s = time.process_time()
        self._costs_s = deque([0.0] * _FRAMES_WEIGHED, _FRAMES_WEIGHED)
        self._listening = False
        #: Of whose lesson it has been remembered that it was finished.
        self._remembered: Session | None = None
        #: Clients of the scenario before this one leave.
        self._farewell: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if self.config.theme == "light" else DARK.name

    # Life

    def get_default_screen(self) -> Screen[None]:
        """The board."""
        self.board_screen = BoardScreen()  # events may come when Textual has already let go of it
        return self.board_screen

    def on_load(self) -> None:
        """Before the terminal is touched."""
        self.signals.leave_on_signals()

    def on_mount(self) -> None:
        """Be ready for keys; the first frame waits for nothing else, the kernel process not either."""
        self.signals.stop_and_go_on(self.action_suspend)
        self.set_keymap(dict(self.config.keymap))
        self.board_screen.begin(self.session)
        self.call_after_refresh(gc.enable)  # off until here, see ``sandbox.cli``
        self.call_after_refresh(self._begin)
        self.set_interval(HEARTBEAT_S, self._beat)
        self.app_resume_signal.subscribe(self, self._resumed)

    async def on_unmount(self) -> None:
        """Leave the loop as it was found."""
        if self._next_frame is not None:
            self._next_frame.cancel()
        self._listen(False)
        self.signals.restore()
        await self.session.clients.end()

    def _resumed(self, _: object) -> None:
        self.refresh(layout=True)  # nothing may have changed, and the terminal is empty
        self.session.send(Resume("suspend"))

    def run_scenario(self, scenario: Scenario) -> None:
        """End what runs and run this instead."""
        self._listen(False)
        self.session.end()
        self._farewell = asyncio.get_running_loop().create_task(self.session.clients.end())
        self.session = self.session.again(scenario)
        self.board_screen.begin(self.session)
        self._begin()

    # The kernel process

    def _begin(self) -> None:
        """Start the kernel process, and listen to it."""
        try:
            self.session.begin()
        except OSError as error:
            said = _("the kernel process cannot be started: {reason}").format(reason=error.strerror)
            self.exit(1, message=Text(f"ossandbox: {said}"))
            return
        self._listen(True)
        self.ask_or_not()
        if isinstance(self.session, Replay):
            self._reading = asyncio.create_task(self.read_recording(self.session))
        self.want_frame()

    def _beat(self) -> None:
        link = self.session.link
        if link is not None and not link.closed:
            link.beat()

    def _listen(self, listen: bool) -> None:
        """Have ``_heard`` called as soon as something comes up the link, or not."""
        link = self.session.link
        if link is None or listen is self._listening:
            return
        self._listening = listen
        loop = asyncio.get_running_loop()
        if listen:
            loop.add_reader(link.fileno(), self._heard)
        else:
            loop.remove_reader(link.fileno())

    def _heard(self) -> None:
        """Something came. What follows before the next frame is read then, all at once: with short slices there is
        an event every few hundred microseconds, and to wake up for each costs more than to fold it; unless a lesson
        wants the machine to pause at once."""
        if not self.session.reading.in_haste:
            self._listen(False)
        self._read(fresh=True)
        self.want_frame()

    def _read(self, fresh: bool) -> None:
        link = self.session.link
        if link is None or link.closed:
            return
        try:
            events = link.receive()
            self.session.reading.open = self.board_screen.has_class("lesson")
            self.session.take(events, fresh)
            self.keep(events)
        except Exception as error:  # no message handler of Textual stands around us
            fail(self, error)
            return
        self.ask_or_not()  # first: a question that is not wanted any more ends its pause
        if self.session.reading.pause():
            self.ask_machine(Pause("lesson"))
        if self.session.lesson_over and self.session.reading.open and self.session is not self._remembered:
            self._remembered = self.session
            finish(self.session.scenario.name)
        if any(isinstance(event, Operator) for event in events):
            self.want_frame(soon=True)
        front = self.board_screen.front
        faults = [event for event in events if isinstance(event, Fault) and not front.takes(event)]
        faults = [fault for fault in faults if fault.what.rule not in _PLAIN_TO_SEE]
        for fault in faults[:_TOLD_MOST]:
            self.tell(wording.sentence(fault, self.session.names), severe=True)
        if link.closed and self.session.died:
            self._mourn(link)

    def _mourn(self, link: Link) -> None:
        """The kernel process is dead: say so, sweep up, offer a new one."""
        from sandbox.link.postmortem import cause_of_death
        from sandbox.tui.screens.dialogs import Tell

        text = wording.fault(cause_of_death(link.last_words()))
        link.end()

        def answered(again: bool | None) -> None:
            if again:
                self.action_restart()

        self.push_screen(
            Tell(_("The kernel is gone"), f"{text[0].upper()}{text[1:]}.", _("run the scenario again")), answered
        )

    # Frames

    def want_frame(self, soon: bool = False) -> None:
        """Draw when a frame is due; nothing at all happens while nothing changes. ``soon``: a person waits to see
        what he did, and has to wait only for the answer of the kernel process."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + _ANSWER_S if soon else max(self._due_s, loop.time())
        if self._next_frame is not None:
            if self._next_frame.when() <= at_s:
                return
            self._next_frame.cancel()
        self._next_frame = loop.call_at(at_s, self.frame)

    def frame(self) -> None:
        """Read what has come, and show the session as it is now."""
        if self._next_frame is not None:
            self._next_frame.cancel()
            self._next_frame = None
        spent_s, self._spent_s = self._spent_s, time.process_time()
        self._costs_s.append(self._spent_s - spent_s)
        usual_s = sorted(self._costs_s)[len(self._costs_s) // 2]  # a single costly one (a lesson opens) is not
        pause_s = min(max(usual_s / _SHARE_MOST, 1 / _FRAMES_PER_S), _SLOWEST_FRAME_S)
        self._due_s = asyncio.get_running_loop().time() + pause_s
        if not self._listening:
            self._read(fresh=False)
            link = self.session.link
            self._listen(link is not None and not link.closed)
        if isinstance(self.session, Replay):
            self.session.advance()
        try:
            if self.screen_stack and self.board_screen.children:  # none before the start and after the end
                self.board_screen.show(self.session)
        except Exception as error:  # as above
            fail(self, error)
            return
        if self.session.moving:
            self.want_frame()


def run_app(session: Session, config: Config) -> int:
    """Run the app until the user leaves; returns the exit status. Whatever happens, nothing is left."""
    app = SandboxApp(session, config)
    try:
        status = app.run()
    finally:
        app.session.end()
    return status if isinstance(status, int) else 1 if app.return_code else 0
