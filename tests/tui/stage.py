"""What tests of the screen share: a kernel process that is a script, a clock that stands still, events told as a
story."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from sandbox.commands import Command
from sandbox.events import (
    Admitted,
    AnyEvent,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    DescheduledReason,
    Dispatched,
    Exited,
    Fault,
    Halted,
    Operator,
    Ready,
    ReadyReason,
    Scheduling,
    Wrote,
)
from sandbox.spec import MachineSpec, ProcessSpec, Scenario
from sandbox.tui.app import SandboxApp
from sandbox.tui.config import Config
from sandbox.tui.session import Session
from sandbox.units import MS, parse_duration

HEAD = Clause("head of the ready queue")
#: What the clock of every test shows at its beginning.
NOON_NS = 12 * 3600 * 1_000_000_000
PATIENCE_S = 20


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

    def end(self) -> None:
        self.closed = self.ended = True
        self._ours.close()
        self._theirs.close()


class Story:
    """Events told one after the other; ``at`` is the time by then. Processes go by name, their pids count up."""

    def __init__(self, policy: str = "rr", quantum: str | None = "50ms", cpus: int = 1, scenario: str = "test") -> None:
        parameters: dict[str, object] = {} if quantum is None else {"quantum_ns": parse_duration(quantum)}
        self.at = 0
        self.events: list[AnyEvent] = [Booted(0, "linux", cpus, policy, parameters, "arrival-first", scenario, "poll")]
        self._slice_ns = None if quantum is None else parse_duration(quantum)
        self._pids: dict[str, int] = {}
        self._ran_ns: dict[str, int] = {}
        self._on: dict[str, tuple[int, int]] = {}
        self._order = 0

    def take(self) -> list[AnyEvent]:
        """What was told since the last time."""
        events, self.events = self.events, []
        return events

    def pid(self, name: str) -> int:
        return self._pids[name]

    def later(self, duration: str) -> Story:
        """Time goes on."""
        self.at += parse_duration(duration)
        return self

    def admit(self, name: str, demand: str | None = None, runs: str = "", parent: str | None = None) -> Story:
        pid = self._pids[name] = len(self._pids) + 1
        self._ran_ns[name] = 0
        order = None if parent else self._order
        self._order += parent is None
        demand_ns = None if demand is None else parse_duration(demand)
        runs = runs or (f"cpu {demand}" if demand else name)
        above = None if parent is None else self._pids[parent]
        self.events.append(Admitted(self.at, pid, name, runs, None, above, order, demand_ns))
        return self._ready(name, "admitted")

    def _ready(self, name: str, reason: ReadyReason) -> Story:
        self.events.append(Ready(self.at, self._pids[name], reason))
        return self

    def run(self, name: str, cpu: int = 0, why: Clause = HEAD) -> Story:
        self._on[name] = cpu, self.at
        self.events.append(Dispatched(self.at, self._pids[name], cpu, self._slice_ns, why))
        return self

    def _off(self, name: str, reason: DescheduledReason) -> None:
        cpu, since = self._on.pop(name)
        self._ran_ns[name] += self.at - since
        self.events.append(Descheduled(self.at, self._pids[name], cpu, self.at - since, reason))

    def expire(self, name: str) -> Story:
        self._off(name, "expired")
        return self._ready(name, "expired")

    def block(self, name: str, rule: str = "sleep", **figures: Any) -> Story:
        self._off(name, "blocked")
        self.events.append(Blocked(self.at, self._pids[name], Clause(rule, figures)))
        return self

    def wake(self, name: str) -> Story:
        return self._ready(name, "woke")

    def exit(self, name: str, code: int | None = 0, signal: int | None = None) -> Story:
        if name in self._on:
            self._off(name, "exited")
        self.events.append(Exited(self.at, self._pids[name], code, signal, self._ran_ns[name], 0, 0))
        return self

    def write(self, name: str, text: str) -> Story:
        self.events.append(Wrote(self.at, self._pids[name], "console", text))
        return self

    def pause(self) -> Story:
        for name in [*self._on]:
            self._off(name, "paused")
            self._ready(name, "preempted")
        return self.operator("paused", by="operator")

    def operator(self, did: str, **figures: Any) -> Story:
        self.events.append(Operator(self.at, Clause(did, figures)))
        return self

    def fault(self, rule: str, **figures: Any) -> Story:
        self.events.append(Fault(self.at, Clause(rule, figures)))
        return self

    def schedule(self, policy: str, **parameters: object) -> Story:
        self.events.append(Scheduling(self.at, policy, dict(parameters), "arrival-first"))
        return self


def shift_change() -> Story:
    """A story with somebody in every state: two that compute, one that waits, one that asks, one that failed."""
    story = Story()
    story.admit("prime", "2s").admit("pi", "1500ms").admit("disk", "160ms", "(cpu 8ms, io 90ms) × 20")
    story.admit("editor", runs="editor.py:ask()").admit("shell", runs="sh -c exit 3")
    story.run("prime").later("50ms").expire("prime")
    story.run("pi").later("50ms").expire("pi")
    story.run("disk").later("8ms").block("disk", for_ns=90 * MS)
    story.run("editor").later("6ms").write("editor", "What schedules processes? ").block("editor", "read console")
    story.run("shell").later("9ms").exit("shell", 3)
    story.run("prime").later("50ms").expire("prime").run("pi").later("40ms").wake("disk").later("10ms").expire("pi")
    return story.run("prime").later("20ms")


def family() -> Story:
    """A server with two children, one of which has a child; somebody else, born in between; one who has ended."""
    story = Story().admit("server").admit("other").run("server").later("1ms")
    story.admit("child", parent="server").admit("late").admit("grandchild", parent="child").admit(
        "second", parent="server"
    )
    return story.admit("gone", parent="late").exit("gone").block("server", "accept").run("other").later("3ms")


def world(*names: str, lesson: str | None = None, name: str = "test", title: str = "A test") -> Scenario:
    """A scenario that is only a name to the screen: its events are told."""
    processes = [ProcessSpec(process) for process in names]
    return Scenario(name, title, MachineSpec(), processes, lesson=lesson)


class Seen:
    """What is to be seen of an app."""

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


class Play(Seen):
    """The app over fake links. ``link`` is the present one."""

    def __init__(self, scenario: Scenario | None = None, config: Config | None = None) -> None:
        self.clock = Clock()
        self.links: list[FakeLink] = []
        self.app = SandboxApp(Session(scenario or world(), self._start, self.clock), config)
        self.app.animation_level = "none"

    def _start(self, scenario: Scenario) -> FakeLink:
        self.links.append(FakeLink(scenario))
        return self.links[-1]

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    @property
    def sent(self) -> list[Command]:
        return self.link.sent

    async def tell(self, pilot: Pilot[int], story: Story) -> None:
        """Have the story so far come up the link when its last event happens, and see it as it is at its end."""
        await until(lambda: bool(self.links) and not self.link.closed, pilot)
        events = story.take()
        self.clock.now_ns = NOON_NS + events[-1].t_ns
        self.link.feed(events)
        await self.settle(pilot)
        self.clock.now_ns = NOON_NS + story.at
        await self.settle(pilot)

    async def open(self, pilot: Pilot[int], key: str, story: Story) -> None:
        """Tell the story, and turn to the panel of this key."""
        await self.tell(pilot, story)
        await pilot.press(key)
        await self.settle(pilot)
        await self.settle(pilot)  # a panel is made when it comes to the front for the first time

    def close(self) -> None:
        for link in self.links:
            if not link.ended:
                link.end()


async def until(what: Any, pilot: Pilot[int]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not what():
            await pilot.pause(0.01)


async def wheel(pilot: Pilot[int], widget: Widget, by: int, ctrl: bool = False, shift: bool = False) -> None:
    """The mouse's wheel over the middle of a widget, one turn."""
    kind = MouseScrollDown if by > 0 else MouseScrollUp
    x, y = widget.size.width // 2, 1
    event = kind(widget, x, y, 0, by, 0, shift, False, ctrl, widget.region.x + x, widget.region.y + y)
    widget.post_message(event)
    await pilot.pause()


@contextmanager
def play(scenario: Scenario | None = None, config: Config | None = None) -> Iterator[Play]:
    """The app, not yet running; what it started is ended afterwards."""
    it = Play(scenario, config)
    try:
        yield it
    finally:
        it.close()


def no_blinking(monkeypatch: Any) -> None:
    """A cursor that is always there, in every picture."""
    monkeypatch.setattr(Input, "cursor_blink", False)
