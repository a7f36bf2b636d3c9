"""The file of the policy in force, for reading, with the line that failed marked."""

from __future__ import annotations

import os

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.widgets import Static

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.events import Described, Fault
from sandbox.tui.palette import DARK, LIGHT
from sandbox.util.text import clean

_MAX_BYTES = 1 << 18
#: Lines in sight above the line that failed.
_ABOVE = 6


class Source(ScrollableContainer):
    """The source text, scrollable in both directions."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._text = Static(markup=False)
        self._shown: tuple[object, ...] = (None, None, None)

    def compose(self) -> ComposeResult:
        yield self._text

    def update_from(self, described: Described | None, failure: Fault | None, folder: str) -> None:
        """Show the file as it is now, if the policy has reported anything new. ``folder``: the folder to which a
        relative path of the file refers."""
        dark = self.app.current_theme.dark
        shown = (described, failure, dark)
        if described is None or all(one is other for one, other in zip(shown, self._shown, strict=True)):
            return
        self._shown = shown
        path, line = _place(described, failure, folder)
        self.border_title = Text(_("SOURCE {file}").format(file=os.path.basename(path)))
        self.border_subtitle = Text(_("{path}   ↑ ↓ scroll   esc back").format(path=path))
        from rich.syntax import Syntax  # imported late, as it is large and rarely needed

        self._text.update(
            Syntax(
                _read(path),
                "python",
                theme="github-dark" if dark else "friendly",
                line_numbers=True,
                background_color=(DARK if dark else LIGHT).background,
                highlight_lines={line},
            )
        )
        self.scroll_to(0, max(line - _ABOVE, 0), animate=False)


def _place(described: Described, failure: Fault | None, folder: str) -> tuple[str, int]:
    """Return the path of the file to show, and the line that failed (0: none): the file of the failed policy, if
    another one stands in for it, else that of the policy in force."""
    own = os.path.join(folder, described.source.rpartition(":")[0])
    if failure is not None and os.path.basename(own) == failure.file:
        return own, failure.line
    return described.file or "", 0


def _read(path: str) -> str:
    """Return the file's text without control characters, or a comment with the error if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return clean(file.read(_MAX_BYTES).decode(errors="replace"))
    except OSError as error:
        return f"# {clean(path)}: {wording.system_error(error)}"
