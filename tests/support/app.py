"""The app over a kernel process that is a script, and a clock that stands still."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from sandbox.clients.client import Client
from sandbox.model.commands import Command, Resize
from sandbox.model.events import AnyEvent, Event, Halted
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario
from sandbox.trace.load import Recording
from sandbox.tui.app import SandboxApp
from sandbox.tui.config import Config
from sandbox.tui.state.live import Live
from sandbox.tui.state.replay import Replay
from sandbox.util.addresses import parse_address
from tests.support.kernel_script import KernelScript
from tests.support.network_script import AT

#: What the clock of every test shows at its beginning.
NOON_NS = 12 * 3600 * 1_000_000_000
TIMEOUT_S = 45


class Clock:
    """It goes on only when it is told to."""

    def __init__(self) -> None:
        self.now_ns = NOON_NS

    def __call__(self) -> int:
        return self.now_ns


class FakeLink:
    """A kernel process that says what the test has it say, and notes what it is asked for."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.sent: list[Command] = []
        self.beats = 0
        self.closed = False
        self.halted = False
        self.ended = False
        self._words = ""
        self._dying = False
        self._events: list[AnyEvent] = []
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    # What the test does

    def feed(self, events: Iterable[AnyEvent]) -> None:
        """These come up the link."""
        self._events += events
        self._theirs.send(b"!")

    def die(self, words: str = "") -> None:
        """The link is closed from the other side, and ``words`` are on its standard error."""
        self._dying, self._words = True, words
        self._theirs.shutdown(socket.SHUT_RDWR)

    # What a session wants

    def fileno(self) -> int:
        return self._ours.fileno()

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def beat(self) -> None:
        self.beats += 1

    def receive(self) -> list[AnyEvent]:
        try:
            self._ours.recv(1 << 16)
        except BlockingIOError:
            pass
        self.closed = self._dying
        events, self._events = self._events, []
        self.halted = self.halted or any(isinstance(event, Halted) for event in events)
        return events

    def last_words(self) -> str:
        return self._words

    def end(self) -> list[Event]:
        self.closed = self.ended = True
        self._ours.close()
        self._theirs.close()
        return []


def blank_scenario(*names: str, lesson: str | None = None, name: str = "test", title: str = "A test") -> Scenario:
    """A scenario that is only a name to the screen: its events are told."""
    processes = [ProcessSpec(process) for process in names]
    return Scenario(name, title, MachineSpec(), processes, lesson=lesson)


class ScreenReader:
    """Reads the screen of an app."""

    app: SandboxApp

    @property
    def text(self) -> str:
        """The whole screen as text."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip)[:width] for strip in strips][:height]

    def panel(self, id: str) -> list[str]:  # noqa: A002 - Textual's name
        """The lines of one of the board's panels, blanks at their ends left out."""
        widget = self.app.board_screen.query_one(f"#{id}")
        return [
            "".join(segment.text for segment in widget.render_line(y)).rstrip()
            for y in range(widget.content_size.height)
        ]

    def toasts(self) -> list[str]:
        """The messages over the board."""
        return [notification.message for notification in self.app._notifications]

    async def settle(self, pilot: Pilot[int]) -> None:
        """Everything that has come is on the screen."""
        await pilot.pause()
        self.app.frame()
        await pilot.pause()


class AppDriver(ScreenReader):
    """The app over fake links. ``link`` is the present one."""

    def __init__(self, scenario: Scenario | None = None, config: Config | None = None) -> None:
        self.clock = Clock()
        self.links: list[FakeLink] = []
        self.app = SandboxApp(Live(scenario or blank_scenario(), self._start, self.clock), config)
        self.app.animation_level = "none"

    def _start(self, scenario: Scenario) -> FakeLink:
        self.links.append(FakeLink(scenario))
        return self.links[-1]

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    @property
    def sent(self) -> list[Command]:
        """All but that consoles are to be as large as they are shown."""
        return [command for command in self.link.sent if not isinstance(command, Resize)]

    def add_client(self, name: str, own: str | None) -> Client:
        """One of the app's own clients, which does nothing; ``own``: its address, None while it connects."""
        client = Client(name, parse_address(AT))
        client.own = own
        client.state = "connecting" if own is None else "connected"
        self.app.session.clients.all.append(client)
        return client

    async def feed(self, pilot: Pilot[int], script: KernelScript) -> None:
        """Have the script's events come up the link when the last of them happens, and go on to the script's end."""
        await until(lambda: bool(self.links) and not self.link.closed, pilot)
        events = script.take()
        self.clock.now_ns = NOON_NS + events[-1].t_ns
        self.link.feed(events)
        await self.settle(pilot)
        self.clock.now_ns = NOON_NS + script.at
        await self.settle(pilot)

    async def open(self, pilot: Pilot[int], key: str, script: KernelScript) -> None:
        """Feed the script, and turn to the panel of this key."""
        await self.feed(pilot, script)
        await pilot.press(key)
        await self.settle(pilot)
        await self.settle(pilot)  # a panel is made when it comes to the front for the first time

    def close(self) -> None:
        for link in self.links:
            if not link.ended:
                link.end()


class ReplayDriver(ScreenReader):
    """The app over a recording, on a clock that stands still."""

    def __init__(self, path: Path) -> None:
        self.now_ns = NOON_NS
        self.replay = Replay(Recording(str(path)), FakeLink, lambda: self.now_ns)
        self.app = SandboxApp(self.replay)
        self.app.animation_level = "none"

    async def settle(self, pilot: Pilot[int]) -> None:
        await until(lambda: self.replay.is_read, pilot)
        await super().settle(pilot)

    @property
    def status(self) -> str:
        return " ".join(self.panel("status")[0].split()[2:6])


#: The fixture ``make_driver``: it takes a scenario and a configuration.
MakeDriver = Callable[..., AppDriver]
#: The fixture ``snap_compare``: whether an app looks as it did.
Compare = Callable[..., bool]


async def until(what: Any, pilot: Pilot[int]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(TIMEOUT_S):
        while not what():
            await pilot.pause(0.01)


def prepare(driver: AppDriver, script: KernelScript, *keys: str, sees: str = "") -> Callable[[Pilot[int]], object]:
    """What a snapshot runs before: feed the script, press keys, and wait until something can be read."""

    async def before(pilot: Pilot[int]) -> None:
        await driver.feed(pilot, script)
        for key in keys:
            await pilot.press(key)
        await driver.settle(pilot)
        await until(lambda: sees in driver.text, pilot)
        await driver.settle(pilot)

    return before


async def wheel(pilot: Pilot[int], widget: Widget, by: int, ctrl: bool = False, shift: bool = False) -> None:
    """The mouse's wheel over the middle of a widget, one turn."""
    kind = MouseScrollDown if by > 0 else MouseScrollUp
    x, y = widget.size.width // 2, 1
    event = kind(widget, x, y, 0, by, 0, shift, False, ctrl, widget.region.x + x, widget.region.y + y)
    widget.post_message(event)
    await pilot.pause()


@contextmanager
def app_driver(scenario: Scenario | None = None, config: Config | None = None) -> Iterator[AppDriver]:
    """The app, not yet running; what it started is ended afterwards."""
    driver = AppDriver(scenario, config)
    try:
        yield driver
    finally:
        driver.close()


def no_blinking(monkeypatch: Any) -> None:
    """A cursor that is always there, in every picture."""
    monkeypatch.setattr(Input, "cursor_blink", False)
