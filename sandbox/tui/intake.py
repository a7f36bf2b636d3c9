"""The passage of events into the session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox import wording
from sandbox.model.events import AnyEvent, Fault, Operator, Wrote
from sandbox.tui.compat import fail
from sandbox.tui.interaction import tell, tell_faults
from sandbox.tui.listening import Listening
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.entry import TakesAllKeys

if TYPE_CHECKING:
    from sandbox.tui.app import SandboxApp

#: A recording is read for the first time (seconds) between two frames, then the event loop is free for the second.
_READ_S, _PAUSE_S = 0.04, 0.005


class Intake:
    """Passes events to the app's session: from the kernel process as soon as they arrive, from a recording between
    frames."""

    def __init__(self, app: SandboxApp) -> None:
        self._app = app
        self._listening: Listening | None = None
        self._reading: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start with a new session."""
        self._listen(True)
        self._reading = asyncio.create_task(self._read_all(self._app.session))

    def stop(self) -> None:
        """Stop listening to the session."""
        self._listen(False)

    def beat(self) -> None:
        """Tell the kernel process that the app is alive."""
        link = self._app.session.link
        if link is not None and not link.closed:
            link.beat()

    def catch_up(self) -> None:
        """Take in all events that have arrived, before a frame is drawn."""
        if self._listening is None:
            self._read(fresh=False)
            link = self._app.session.link
            self._listen(link is not None and not link.closed)

    async def _read_all(self, session: Session) -> None:
        """Read a recording in pieces, while the app shows what has been read."""
        while not session.is_read and self._app.session is session:
            session.read(_READ_S)
            self._app.frames.want()
            await asyncio.sleep(_PAUSE_S)
        for problem in session.problems():
            tell(self._app, problem, severe=True)

    def _listen(self, listen: bool) -> None:
        """Start or stop calling ``_heard`` when something arrives through the link."""
        link = self._app.session.link
        if link is None or listen is (self._listening is not None):
            return
        if self._listening is not None:
            self._listening.stop()
        self._listening = Listening(link, self._heard) if listen else None

    def _heard(self) -> None:
        """Take in what has arrived, and stop listening until the next frame. With short time slices there is an event
        every few hundred microseconds, and waking up for each would cost more than processing it."""
        self._listen(False)
        self._read(fresh=True)
        self._app.frames.want()

    def _read(self, fresh: bool) -> None:
        app = self._app
        link = app.session.link
        if link is None or link.closed:
            return
        try:
            events = link.receive()
            app.session.add_events(events, fresh)
        except Exception as error:
            fail(app, error)
            return
        if any(isinstance(event, Operator) for event in events) or self._awaits(events):
            app.frames.want(soon=True)
        if (ended := app.session.file.add_events(events)) is not None:
            tell(app, wording.fault(ended), severe=True)
        self._tell_faults(events)
        if link.closed and app.session.died:
            app.mourn(link)

    def _awaits(self, events: Iterable[AnyEvent]) -> bool:
        """Whether events include output that a key pressed just now in a terminal may have caused."""
        there = self._app.focused
        return isinstance(there, TakesAllKeys) and there.expects and any(isinstance(event, Wrote) for event in events)

    def _tell_faults(self, events: Iterable[AnyEvent]) -> None:
        front = self._app.board_screen.front
        faults = [event for event in events if isinstance(event, Fault) and not front.shows_fault(event)]
        tell_faults(self._app, faults, self._app.session.view.names)
