"""What would have been under another policy, over the board."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from sandbox.analysis.whatif.report import WhatIf, lines
from sandbox.i18n import _
from sandbox.tui.palette import ON_DARK, ON_LIGHT, PLAIN
from sandbox.tui.screens.dialogs import Dialog, entitle


class ShowWhatIf(Dialog[None]):
    """Both timelines one above the other, and the differences in words."""

    def __init__(self, what: WhatIf) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """The report, as the command prints it."""
        with VerticalScroll(classes="box") as box:
            title = _("What if: {policy}").format(policy=self._what.label)
            entitle(box, title, _("↑ ↓ scroll   esc close"))
            yield Static()

    def on_resize(self) -> None:
        """As wide as there is room for."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        box = self.query_one(VerticalScroll)
        room = box.content_size.width - box.styles.scrollbar_size_vertical
        palette = PLAIN if self.app.no_color else ON_DARK if self.app.current_theme.dark else ON_LIGHT
        text = Text(no_wrap=True)
        for line in lines(self._what, room):
            for piece, tone in line:
                text.append(piece, getattr(palette, tone))
            text.append("\n")
        self.query_one(Static).update(text)
