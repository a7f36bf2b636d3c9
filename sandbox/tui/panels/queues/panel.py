"""The queues panel: the queues of the policy in force, as the policy sees them, its parameters, its rule and its
source."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Describe, Look, Tune
from sandbox.model.events import Event, Fault
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.queues.list import QueueList
from sandbox.tui.panels.queues.parameters import Parameters, Tuned
from sandbox.tui.panels.queues.source import Source
from sandbox.tui.state.session import Session
from sandbox.wording.policies import rule_and_rest


class Queues(Panel, can_focus=True):
    """The policy in force, as described by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("queues"), ("escape", "back", "Back")]
    poll_every_s = 0.2

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._list = QueueList(id="queue-list")
        self._parameters = Parameters(id="parameters")
        self._rule = Static(markup=False)
        self._source = Source(id="source")
        self._session: Session | None = None
        #: The last event at the time when the policy was asked.
        self._seen: Event | None = None
        self._told: tuple[object, object] = None, None

    def compose(self) -> ComposeResult:
        """Yield the queues and, next to or below them, the policy; its source replaces both."""
        yield self._list
        with Vertical(id="policy"):
            yield self._parameters
            with VerticalScroll(id="rule", classes="framed", can_focus=False):
                yield self._rule
        yield self._source

    def leave(self) -> None:
        super().leave()
        self.remove_class("reading")

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._seen = session, None
            self.poll()
        self._list.update_from(session, chosen)
        board = session.view.board
        if board.described is not None:
            self._parameters.update_from(board.described)
            if self._told != (board.described, board.failure):
                self._told = board.described, board.failure
                self._tell(rule_and_rest(board.described.says), board.failure)
        if self.has_class("reading"):
            self._source.update_from(board.described, board.failure, session.scenario.folder)

    def _tell(self, says: tuple[str, str], failure: Fault | None) -> None:
        """Show the policy's rule, preceded by the fault in the policy's file, if any."""
        self.set_class(failure is not None, "failed")
        said = [] if failure is None else [_("✘ {fault}.").format(fault=wording.fault(failure.what))]
        if failure is not None and failure.traceback is not None:
            said.append(failure.traceback)
        self._rule.update("\n\n".join(filter(None, [*said, *says])))
        self.query_one("#rule").border_title = _("RULE") if failure is None else _("WHAT WENT WRONG")

    def poll(self) -> None:
        """Ask the policy for its queues, if anything has happened since the last time."""
        session = self._session
        if session is None or session.view.looks_back or not session.view.board.recent:
            return
        if session.view.board.described is None:
            session.send(Describe())
        last = session.view.board.recent[-1]
        if last is not self._seen:
            self._seen = last
            session.send(Look(max(self._list.size.height, 1)))

    # Keys

    def action_edit(self) -> None:
        """Move the focus to the first parameter."""
        self.remove_class("reading")
        self._parameters.edit()

    def action_source(self) -> None:
        """Show or hide the source."""
        self.toggle_class("reading")
        if self._session is not None:
            self.update_from(self._session, self._list.chosen)
        (self._source if self.has_class("reading") else self).focus()

    def action_back(self) -> None:
        """Leave the parameters or the source."""
        self.remove_class("reading")
        self.focus()

    def on_tuned(self, message: Tuned) -> None:
        """Ask the machine to change a parameter."""
        if self._session is not None:
            self._session.send(Tune(message.parameter, message.value))

    def shows_fault(self, fault: Fault) -> bool:
        if not fault.of_tuning or not self._parameters.editing:
            return False
        self._parameters.refuse(wording.fault(fault.what))
        return True
