"""The dialogs for "what if": the run so far under another policy."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from sandbox import wording
from sandbox.analysis.whatif.derive import Load
from sandbox.analysis.whatif.report import WhatIf, lines
from sandbox.analysis.whatif.report import what_if as derive
from sandbox.i18n import _
from sandbox.model.events import decode
from sandbox.model.values import BadValue
from sandbox.trace.header import describe
from sandbox.tui.interaction import ask, tell
from sandbox.tui.palette import palette_of
from sandbox.tui.screens.dialogs import Dialog, entitle
from sandbox.tui.screens.open import policies_of_its_own
from sandbox.tui.screens.policy import ChoosePolicy
from sandbox.tui.state.session import Session

#: With more events, computing the answer would take too long.
_MAX_EVENTS = 100_000
_COMMAND = "ossandbox whatif"


def what_if(app: App[Any], session: Session) -> None:
    """Ask for a policy, and show the run as it would have been under it."""
    if len(session.view.past) > _MAX_EVENTS:
        said = _("More than {number} events: record it, and ask {command}")
        tell(app, said.format(number=_MAX_EVENTS, command=_COMMAND), severe=True)
        return

    def chosen(policy: str) -> None:
        if ":" in policy or policies_of_its_own(session.scenario):  # files of the user's own are not run here
            tell(app, _("Of a policy of your own, ask {command}").format(command=_COMMAND), severe=True)
            return
        try:
            what = _derive(session, policy)
        except BadValue as bad:
            tell(app, wording.problem(bad.faults[0][1]), severe=True)
        else:
            app.push_screen(ShowWhatIf(what))

    ask(app, ChoosePolicy(session.view.board.policy, _("What if: this run under which policy?")), chosen)


def _derive(session: Session, policy: str) -> WhatIf:
    """Return the run under another policy. Raises BadValue."""
    events = (line for block in session.view.past.blocks() for line in block.splitlines())
    return derive(Load(describe(session.scenario, None), map(decode, events)), policy, None)


class ShowWhatIf(Dialog[None]):
    """A dialog with both timelines one above the other, and the differences in words."""

    def __init__(self, what: WhatIf) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """Yield the box for the report, which is the same as the command prints."""
        with VerticalScroll(classes="box") as box:
            title = _("What if: {policy}").format(policy=self._what.label)
            entitle(box, title, _("↑ ↓ scroll   esc close"))
            yield Static()

    def on_resize(self, event: events.Resize) -> None:
        """Adapt the report to the new width."""
        self.call_after_refresh(self._update)

    def _update(self) -> None:
        box = self.query_one(VerticalScroll)
        room = box.content_size.width - box.styles.scrollbar_size_vertical
        palette = palette_of(self.app)
        text = Text(no_wrap=True)
        for line in lines(self._what, room):
            for piece, tone in line:
                text.append(piece, getattr(palette, tone))
            text.append("\n")
        self.query_one(Static).update(text)
