"""The app: it draws the session as events arrive from the kernel process. It neither forks nor schedules processes."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.events import Event, InputEvent, Key, MouseEvent
from textual.filter import LineFilter
from textual.markup import escape
from textual.screen import Screen
from textual.widgets import Input

from sandbox import wording
from sandbox.i18n import _
from sandbox.link.wire import HEARTBEAT_S
from sandbox.model.commands import Pause, Resume
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.scenario import BadInput
from sandbox.tui.ascii import AsciiSigns
from sandbox.tui.clipboard import copy
from sandbox.tui.compat import break_lines_in_every_script, can_suspend, fail
from sandbox.tui.config import Config
from sandbox.tui.frames import Frames
from sandbox.tui.intake import Intake
from sandbox.tui.interaction import ask, permitted, tell
from sandbox.tui.keyboard import Keyboard
from sandbox.tui.keys import ACTIONS, FROM_ANYWHERE, bindings_from_anywhere, keys_of, written
from sandbox.tui.mouse import OtherButtons
from sandbox.tui.palette import DARK, LIGHT, VALUES_OF_SIXTEEN, in_sixteen
from sandbox.tui.remembered import keep_theme
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.served import is_served
from sandbox.tui.signals import Signals
from sandbox.tui.state.errors import Impossible
from sandbox.tui.state.session import Link, Session
from sandbox.tui.widgets.entry import EntryLine, TakesAllKeys, TypingLine
from sandbox.tui.widgets.lines import BREAKPOINTS_X, BREAKPOINTS_Y, HARMLESS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.driver import Driver

#: The exit status of a program ended by ctrl+c.
_INTERRUPTED = 130


class SandboxApp(App[int]):
    """The app with one session at a time: its life, the link to the kernel process, and the timing of frames. Actions
    that replace the session or do not concern the machine are defined here, others on the main screen and its panels.
    Dialogs are imported when they are opened, to show the first frame sooner."""

    TITLE = "ossandbox"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings_from_anywhere()
    ENABLE_COMMAND_PALETTE = False  # Textual's own palette; this app's is an action like the others
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS_X
    VERTICAL_BREAKPOINTS = BREAKPOINTS_Y

    def __init__(self, session: Session, config: Config | None = None) -> None:
        no_color = os.environ.get("NO_COLOR")
        super().__init__(driver_class=_driver())
        break_lines_in_every_script()
        if no_color is not None:  # Textual removes it, but processes should see it
            os.environ["NO_COLOR"] = no_color
        self.session = session
        self.config = config or Config()
        self._signs = AsciiSigns()
        self.frames = Frames(self.frame)
        self.signals = Signals(self)
        self._intake = Intake(self)
        self._keyboard = Keyboard(self, super().on_event)
        self._other_buttons = OtherButtons(self, self._ask_what_to_do)
        #: Whether the app is about to exit, so that keys are ignored.
        self._leaves = False
        #: Disconnects the clients of the previous session.
        self._farewell: asyncio.Task[None] | None = None
        for theme in (DARK, LIGHT):
            self.register_theme(in_sixteen(theme) if self.console.color_system == "standard" else theme)
        self.theme = LIGHT.name if self.config.theme == "light" else DARK.name
        self.stylesheet.set_variables(self.get_css_variables())
        #: The theme of the initial styles; None once Textual has asked for styles.
        self._styled_for: str | None = self.theme

    # Life

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen, below all dialogs."""
        self.board_screen = BoardScreen(self.session, self.frames)  # kept for events that arrive after its removal
        return self.board_screen

    def on_load(self) -> None:
        """Handle signals, before the terminal is changed."""
        self.signals.guard_screen()
        self.signals.leave_on_signals()

    def on_mount(self) -> None:
        """Prepare for keys, and schedule all that the first frame does not need, including the kernel process."""
        self.signals.stop_and_go_on(self.action_suspend)
        self.set_keymap(dict(self.config.keymap))
        self.board_screen.begin(self.session)
        self.call_after_refresh(self._collect_garbage)  # not until here, see ``sandbox.cli``
        self.call_after_refresh(self._begin)
        self.set_interval(HEARTBEAT_S, self._intake.beat)
        self.app_resume_signal.subscribe(self, self._resumed)

    def refresh_css(self, animate: bool = True) -> None:
        """Rebuild all styles for another theme. At the start, when Textual asks for it too, they are up to date, and
        rebuilding them would delay the first frame."""
        made_for, self._styled_for = self._styled_for, None
        if made_for != self.theme:
            super().refresh_css(animate)

    async def on_unmount(self) -> None:
        """Stop all activities, and restore the event loop's signal handlers."""
        self.frames.stop()
        self._intake.stop()
        self.signals.restore()
        await self.session.clients.end()

    def _collect_garbage(self) -> None:
        gc.enable()  # a wrapper, as Textual would parse the signature of a built-in function

    def _resumed(self, _: object) -> None:
        self.refresh(layout=True)  # needed even without changes, as the terminal is empty
        self.session.send(Resume("suspend"))

    async def on_event(self, event: Event) -> None:
        """Queue keys that are typed ahead, and drop input while the app exits."""
        if isinstance(event, InputEvent) and self._leaves:
            return
        if isinstance(event, Key) and not event.is_forwarded and self._keyboard.keeps(event):
            return
        if isinstance(event, MouseEvent) and not event.is_forwarded and self._other_buttons.takes(event):
            return
        await super().on_event(event)

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Exit the app."""
        self._leaves = True
        self._keyboard.forget()
        super().exit(result, return_code, message)

    def run_scenario(self, scenario: Scenario) -> None:
        """End the present session and run this scenario."""
        try:
            session = self.session.again(scenario)
        except Impossible as error:
            tell(self, str(error), severe=True)
        else:
            self._replace(session)

    def _replace(self, session: Session) -> None:
        self._intake.stop()
        self.session.end()
        self._farewell = asyncio.get_running_loop().create_task(self.session.clients.end())
        self.session = session
        self.board_screen.begin(session)
        self._begin()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters for all drawn text."""
        return [*super().get_line_filters(), HARMLESS, *([self._signs] if self.config.ascii else [])]

    # The kernel process

    def _begin(self) -> None:
        """Start the kernel process and listen to it, or begin to read the recording."""
        try:
            self.session.begin()
        except OSError as error:
            said = _("the kernel process cannot be started: {reason}").format(reason=wording.system_error(error))
            self.exit(1, message=Text(f"ossandbox: {said}"))
            return
        self._intake.begin()
        self.frames.want()

    def mourn(self, link: Link) -> None:
        """Report that the kernel process has died, clean up, and offer to run the scenario again."""
        from sandbox.policies.host.failures import cause_of_death
        from sandbox.tui.screens.dialogs import Tell

        text = wording.fault(cause_of_death(link.last_words()))
        link.end()

        def answered(again: bool | None) -> None:
            if again:
                self._restart()

        self.push_screen(
            Tell(_("The kernel is gone"), f"{text[0].upper()}{text[1:]}.", _("run the scenario again")), answered
        )

    # Frames

    def frame(self) -> None:
        """Draw a frame: read new events, and show the session as it is now."""
        self.frames.begin()
        self._intake.catch_up()
        self.session.advance()
        try:
            # the main screen has no children before the start, and is detached at the end
            if self.screen_stack and self.board_screen.children and self.board_screen.is_attached:
                self.board_screen.update_all()
        except Exception as error:
            fail(self, error)
            return
        if self.session.moving:
            self.frames.want()

    # The run as a whole

    def action_open(self) -> None:
        """Open another scenario."""
        from sandbox.tui.screens.open import Open, read

        def chosen(name: str) -> None:
            self._ask_before(_("Open a scenario"), _("open it all the same"), lambda: self.run_scenario(read(name)))

        ask(self, Open(self.session.scenario.name), chosen)

    def action_next_lesson(self) -> None:
        """Open the next lesson of the course."""
        from sandbox.lessons.course import after, finished
        from sandbox.tui.screens.open import problems, read

        name = after(self.session.scenario.name, finished())
        if name is None:
            tell(self, _("This was the last lesson of the course"))
            return
        try:
            scenario = read(name)
        except BadInput as bad:
            tell(self, "\n".join([f"{name}:", *problems(bad)]), severe=True)
        else:
            self._ask_before(_("Next lesson"), _("go on all the same"), lambda: self.run_scenario(scenario))

    def action_restart(self) -> None:
        """Run the scenario again, or go to the beginning of the recording."""
        self._ask_before(_("Restart"), _("run it again all the same"), self._restart)

    def _ask_before(self, title: str, offer: str, then: Callable[[], object]) -> None:
        """Call ``then``, after asking if something of the user's would be lost."""
        from sandbox.tui.screens.leave import ask_before

        ask_before(self, self.session, title, offer, then)

    def _restart(self) -> None:
        session = self.session.restart()
        if session is not self.session:
            self._replace(session)
        self.frames.want(soon=True)

    def action_record(self) -> None:
        """Record the run in a file, or end the recording."""
        from sandbox.tui.screens.forms import RecordAs

        file = self.session.file
        if not self.session.has_machine:
            tell(self, _("This is a recording: what happened has happened"), severe=True)
        elif file.open:
            tell(self, _("{file} holds the run up to now").format(file=file.close()))
        elif permitted(self):
            ask(self, RecordAs(self.session.scenario.name), self._record)

    def _record(self, path: str) -> None:
        path = os.path.expanduser(path)
        try:
            self.session.file.begin(path, self.session.view.past)
        except BadValue as bad:
            tell(self, f"{path}: {wording.problem(bad.faults[0][1])}", severe=True)
        else:
            said = _("Recording into {file}; {key} ends it")
            tell(self, said.format(file=path, key=self.config.key("record")))

    def action_what_if(self) -> None:
        """Show the run as it would have been under another policy."""
        from sandbox.tui.screens.whatif import what_if

        what_if(self, self.session)

    # The window

    def action_theme(self) -> None:
        """Toggle between dark and light."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
        keep_theme("dark" if self.current_theme.dark else "light")

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Return the screen as an SVG."""
        from sandbox.tui.compat import recoloured, to_cells

        picture = to_cells(super().export_screenshot(title=title, simplify=simplify))
        return recoloured(picture, VALUES_OF_SIXTEEN) if self.console.color_system == "standard" else picture

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen, by default in the current folder."""
        if not permitted(self):
            return
        try:
            saved = os.path.abspath(self.save_screenshot(filename, path))
        except OSError as error:
            tell(
                self, _("The screen cannot be saved: {reason}").format(reason=wording.system_error(error)), severe=True
            )
        else:
            tell(self, _("The screen is saved as {file}").format(file=saved))

    def action_suspend(self) -> None:
        """Suspend the app, and return to the shell."""
        if can_suspend(self):
            self.session.send(Pause("suspend"))
            self.signals.suspend()

    def action_command_palette(self) -> None:
        """Show the command palette in the user's language."""
        from sandbox.tui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield all available actions, by their names, for the command palette."""
        front = self.board_screen.front
        for action in ACTIONS:
            if action.id != "palette" and action.panel in ("", front.id):
                run = partial(self.run_action, action.does, front if action.panel else self.board_screen)
                keys = written(keys_of(action, self.config.keymap))
                yield SystemCommand(_(action.name), escape(f"{keys}   {_(action.says)}"), run)

    def _ask_what_to_do(self, pid: int) -> None:
        """Open the menu for the process on which the right button was pressed."""
        if self.screen is self.board_screen:
            self.board_screen.ask_what_to_do(pid)

    def action_help(self) -> None:
        """Show all keys."""
        from sandbox.tui.screens.help import Help

        self.push_screen(Help())

    async def action_quit(self) -> None:
        self._leave(0)

    def _leave(self, status: int) -> None:
        from sandbox.tui.screens.leave import ask_to_leave

        ask_to_leave(self, self.session, lambda: self.exit(status))

    def action_interrupt(self) -> None:
        """Copy the selection, if any; else leave an input line, or close a dialog; else exit."""
        line = self.focused if isinstance(self.focused, Input) else None
        if self._selected:
            copy(self, self._selected)
            self.screen.clear_selection()
        elif isinstance(line, EntryLine) and self.screen is self.board_screen:
            line.action_leave()
        elif self.screen is not self.board_screen:
            self.screen.dismiss(getattr(self.screen, "INTERRUPTED", None))
        elif line is not None:
            self.board_screen.front.take_keys()
        else:
            self._leave(_INTERRUPTED)

    @property
    def _selected(self) -> str:
        """The selected text: on the screen, or in the input line with the focus; "" if there is none."""
        line = self.focused
        typed = line.selected_text if isinstance(line, Input) else ""
        return self.screen.get_selected_text() or typed

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave ctrl+c and ctrl+z to the process while the user types into a console, and all keys in a terminal,
        except that ctrl+c copies a selection."""
        typing = isinstance(self.focused, (TakesAllKeys, TypingLine))
        if action not in FROM_ANYWHERE or not typing:
            return action != "quit" or not isinstance(self.focused, TakesAllKeys)
        return action == "interrupt" and bool(self._selected)


def _driver() -> type[Driver] | None:
    """Return the class that draws on the terminal; None for Textual's default, which in a browser's tab is the
    server's."""
    if sys.platform == "win32":
        return None
    if is_served():
        return None
    from sandbox.tui import terminal

    return terminal.Terminal


def run_app(session: Session, config: Config) -> int:
    """Run the app until the user leaves, and return the exit status. The kernel process is ended in any case."""
    app = SandboxApp(session, config)
    try:
        status = app.run()
    finally:
        app.signals.listen_again()
        app.session.end()
    return status if isinstance(status, int) else 1 if app.return_code else 0
