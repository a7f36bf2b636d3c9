"""The policy's own queues, as it sees them, while the machine runs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.timer import Timer

from sandbox.commands import Look
from sandbox.events import Event
from sandbox.tui.panels.panel import Panel
from sandbox.tui.session import Session
from sandbox.tui.widgets.queuelist import QueueList

#: So often is the policy asked, if anything has happened in between.
_LOOK_S = 0.2


class Queues(Panel):
    """Asks while it is in front, and costs nothing when it is not."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._list = QueueList(id="queue-list")
        self._session: Session | None = None
        self._timer: Timer | None = None
        #: The last thing that had happened when the policy was asked.
        self._seen: Event | None = None

    def compose(self) -> ComposeResult:
        """From left to right."""
        yield self._list

    def arrive(self) -> None:
        super().arrive()
        self._timer = self.set_interval(_LOOK_S, self._look)

    def leave(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def show(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._seen = session, None
            self._look()
        self._list.show(session, chosen)

    def _look(self) -> None:
        session = self._session
        if session is None or not session.board.recent:
            return
        last = session.board.recent[-1]
        if last is not self._seen:
            self._seen = last
            session.send(Look(max(self._list.size.height, 1)))
