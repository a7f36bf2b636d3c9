"""The app: keys become commands to the kernel process, events become the board. It forks nothing and schedules
nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from sandbox import policies, wording
from sandbox.commands import Kill, Pause, Resume, Spawn, Step, Tune, UsePolicy, split_command
from sandbox.events import Clause, Fault
from sandbox.kinds import Refused
from sandbox.link import HEARTBEAT_S
from sandbox.listings import says
from sandbox.scenario import built_in, find, load
from sandbox.spec import Scenario
from sandbox.tui.config import Config, read_config
from sandbox.tui.keys import ACTIONS, bindings
from sandbox.tui.palette import DARK, LIGHT
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.screens.dialogs import Ask, Choose, Offer, Tell
from sandbox.tui.screens.help import Help
from sandbox.tui.screens.inspect import Inspect
from sandbox.tui.session import Link, Session
from sandbox.tui.widgets.columns import Column
from sandbox.tui.widgets.lesson import Lesson
from sandbox.tui.widgets.timeline import ZOOMS_NS, Timeline
from sandbox.units import MS, write_duration

FRAMES_PER_S = 15
_QUANTA_NS = tuple(value * MS for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000))


class SandboxApp(App[int]):
    """The app over one session at a time."""

    TITLE = "ossandbox"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, config: Config | None = None) -> None:
        super().__init__()
        self.session = session
        self._config = config or Config()
        self._dirty = True
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if self._config.theme == "light" else DARK.name

    # Life

    def get_default_screen(self) -> Screen[None]:
        """The board."""
        return BoardScreen()

    def on_mount(self) -> None:
        """Listen to the kernel process, and draw so many times a second."""
        self.set_keymap(self._config.keymap)
        self.board_screen.begin(self.session)
        self.call_after_refresh(self._begin)  # the first frame need not wait for the kernel process
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, 128 + number)
        self.set_interval(HEARTBEAT_S, self._beat)
        self.set_interval(1 / FRAMES_PER_S, self._frame)
        self.app_suspend_signal.subscribe(self, lambda _: self.session.send(Pause("suspend")))
        self.app_resume_signal.subscribe(self, lambda _: self.session.send(Resume("suspend")))

    @property
    def board_screen(self) -> BoardScreen:
        """The screen below all dialogs."""
        screen = self.screen_stack[0]
        assert isinstance(screen, BoardScreen)
        return screen

    def _begin(self) -> None:
        """Start the kernel process, and listen to it."""
        link = self.session.begin()
        asyncio.get_running_loop().add_reader(link.fileno(), self._receive, link)

    def _stop_listening(self) -> None:
        link = self.session.link
        if link is not None and not link.closed:
            asyncio.get_running_loop().remove_reader(link.fileno())

    def on_unmount(self) -> None:
        """Leave the loop as it was found."""
        self._stop_listening()
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _receive(self, link: Link) -> None:
        for event in link.receive():
            self.session.take([event])
            if isinstance(event, Fault):
                self.notify(wording.sentence(event, self.session.names), severity="warning", markup=False)
        self._dirty = True
        if link.closed:
            asyncio.get_running_loop().remove_reader(link.fileno())
            if self.session.died:
                self._mourn(link)

    def _mourn(self, link: Link) -> None:
        """The kernel process is dead: say so, sweep up, offer a new one."""
        words = link.last_words()
        link.end()
        reason = words.splitlines()[-1] if words else "it was killed"
        text = wording.fault(Clause("kernel process died", {"reason": reason}))

        def answered(again: bool | None) -> None:
            if again:
                self.action_restart()

        self.push_screen(Tell("The kernel process died", text, "run the scenario again"), answered)

    def _beat(self) -> None:
        link = self.session.link
        if link is not None and not link.closed:
            link.beat()

    def _frame(self) -> None:
        screen = self.board_screen
        if screen.children and (self._dirty or self.session.moving):  # none before the start and after the end
            self._dirty = False
            screen.show(self.session)

    def _replace_session(self, scenario: Scenario) -> None:
        """End what runs and run this instead."""
        self._stop_listening()
        self.session.end()
        self.session = self.session.again(scenario)
        self.board_screen.begin(self.session)
        self._begin()
        self._dirty = True

    # Actions, by the names in ``keys.ACTIONS``

    def action_pause(self) -> None:
        """Pause, or go on."""
        self.session.send(Resume() if self.session.board.paused else Pause())

    def action_step(self) -> None:
        """One scheduling decision."""
        self.session.send(Step())

    def action_policy(self) -> None:
        """Choose another policy."""
        offers = [Offer(name, name, says(policies.find(name))[0]) for name in policies.names()]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.session.send(UsePolicy(name))

        self.push_screen(Choose("Scheduling policy", offers, self.session.board.policy), chosen)

    def action_quantum_up(self) -> None:
        """A longer slice."""
        self._change_quantum(1)

    def action_quantum_down(self) -> None:
        """A shorter slice."""
        self._change_quantum(-1)

    def _change_quantum(self, direction: int) -> None:
        quantum_ns = self.session.board.parameters.get("quantum_ns")
        if not isinstance(quantum_ns, int):
            self.notify(f"{self.session.board.policy} has no quantum: it never cuts a burst short", severity="warning")
            return
        longer = [value for value in _QUANTA_NS if value > quantum_ns]
        shorter = [value for value in _QUANTA_NS if value < quantum_ns]
        value = (longer[:1] if direction > 0 else shorter[-1:]) or [quantum_ns]
        self.session.send(Tune("quantum", write_duration(value[0])))

    def action_new(self) -> None:
        """Start a process."""

        def answered(line: str | None) -> None:
            if line:
                self.session.send(Spawn(split_command(line)))

        self.push_screen(Ask("New process", "python3 -c 'print(sum(range(10**7)))'", _problem_of_command), answered)

    def action_kill(self) -> None:
        """End the chosen process."""
        pid = self._chosen()
        if pid is not None:
            self.session.send(Kill(str(pid)))

    def action_select_next(self) -> None:
        """Choose the next process."""
        self._move_choice(1)

    def action_select_previous(self) -> None:
        """Choose the one before."""
        self._move_choice(-1)

    def _move_choice(self, by: int) -> None:
        pids = sorted(self.session.board.rows)
        if pids:
            chosen = self.board_screen.chosen
            index = pids.index(chosen) + by if chosen in pids else 0
            self.board_screen.chosen = pids[max(min(index, len(pids) - 1), 0)]
            self._dirty = True

    def on_column_picked(self, message: Column.Picked) -> None:
        """A process was clicked."""
        self.board_screen.chosen = message.pid
        self._dirty = True

    def action_inspect(self) -> None:
        """Look into the chosen process."""
        pid = self._chosen()
        if pid is not None:
            self.push_screen(Inspect(self.session, pid))

    def _chosen(self) -> int | None:
        pid = self.board_screen.chosen
        if pid is None:
            self.notify("Choose a process first: ↑ ↓, or click it")
        return pid

    def action_open(self) -> None:
        """Open another scenario."""
        scenarios = [load(path) for path in built_in()]
        offers = [Offer(scenario.name, scenario.name, scenario.title) for scenario in scenarios]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._replace_session(load(find(name)))

        self.push_screen(Choose("Scenarios", offers, self.session.scenario.name), chosen)

    def action_restart(self) -> None:
        """Run the scenario again."""
        self._replace_session(self.session.scenario)

    def action_lesson(self) -> None:
        """Show or hide the lesson."""
        if self.session.scenario.lesson is None:
            self.notify("This scenario has no lesson")
        else:
            self.board_screen.toggle_class("lesson")
            self._dirty = True

    def action_lesson_down(self) -> None:
        """Scroll the lesson."""
        self.board_screen.query_one(Lesson).scroll_page_down()

    def action_lesson_up(self) -> None:
        """Scroll the lesson back."""
        self.board_screen.query_one(Lesson).scroll_page_up()

    def action_zoom_in(self) -> None:
        """A shorter time."""
        self._zoom(-1)

    def action_zoom_out(self) -> None:
        """A longer time."""
        self._zoom(1)

    def _zoom(self, by: int) -> None:
        timeline = self.board_screen.query_one(Timeline)
        timeline.zoom = max(min(timeline.zoom + by, len(ZOOMS_NS) - 1), 0)
        self._dirty = True

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
        self._dirty = True

    def action_palette(self) -> None:
        """Find a command by name."""
        self.action_command_palette()

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help(self._config.keymap))

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action by its name in the command palette."""
        for action in ACTIONS:
            if action.id != "palette":
                run = getattr(self, f"action_{action.id}")
                yield SystemCommand(action.says.split(":")[0], action.says, run)


def _problem_of_command(line: str) -> str | None:
    """What is wrong with a command line, before anything is started."""
    import shutil

    try:
        words = split_command(line)
    except Refused as refused:
        return wording.problem(refused.faults[0][1])
    if shutil.which(words[0]) is None:
        return f"{words[0]}: there is no such program here"
    return None


def run_app(session: Session) -> int:
    """Run the app until the user leaves; returns the exit status. Whatever happens, nothing is left."""
    app = SandboxApp(session, read_config([action.id for action in ACTIONS]))
    try:
        status = app.run()
    finally:
        app.session.end()
    return status if isinstance(status, int) else 1 if app.return_code else 0
