"""The log panel: every event of the run in words, from the beginning. All panels show the time of the chosen line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from sandbox.i18n import _
from sandbox.render.cells import fit
from sandbox.tui.clipboard import copy, save
from sandbox.tui.interaction import ask
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.chronicle import Line
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Choice, Choices, Turned
from sandbox.tui.widgets.lines import WIDE, Piece, Window

#: The width in cells of the kind of event.
_KIND = 11
#: The time in seconds per frame for reading and searching the run.
_READ_S = 0.015
#: The styles of lines by event; all others are plain.
_TONES = {
    "Admitted": "strong",
    "Ready": "ready",
    "Dispatched": "running",
    "Blocked": "blocked",
    "Exited": "done",
    "Fault": "failed",
    "Deadlocked": "failed",
    "Operator": "strong",
}


class LogList(Choices[int]):
    """The lines of the log, by the indices of their events."""

    DEFAULT_CLASSES = "framed main"

    def picked(self, key: int, twice: bool) -> Message:
        return Turned(key + 1)

    def update_from(self, session: Session) -> None:
        chronicle, view = session.view.chronicle, session.view
        chronicle.grow(_READ_S)
        place = self.place(session)
        self.remember(session, chronicle.lines[place] if view.looks_back and place >= 0 else None)
        count = len(chronicle.lines)
        said = _("{number} lines").format(number=count)
        if view.looks_back and place >= 0:
            said = _("line {place} of {number}").format(place=place + 1, number=count)
        if chronicle.progress < 1:
            said += "   " + _("{share} of the run read").format(share=f"{chronicle.progress:.0%}")
        self.entitle(_("LOG"), said)
        self.update_lines()

    def place(self, session: Session) -> int:
        """Return the number of the chosen line: the last one at the point looked at."""
        view = session.view
        return view.chronicle.place(view.moment.index if view.looks_back else len(view.past))

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        """Yield the lines in sight; at the present, the last ones."""
        lines = session.view.chronicle.lines
        if not lines:
            said = [_("Nothing has happened yet, or no line has what is looked for.")]
            yield from ((None, strip) for strip in self.centred(said, width, height))
            return

        def shown(seen: Window) -> Iterator[Choice[int]]:
            for index in lines[seen.first : seen.last]:
                yield self.row(index, self._pieces(session, index, width), width)

        yield from self.scrolled(len(lines), max(self.place(session), 0), shown, width, height)

    def _pieces(self, session: Session, index: int, width: int) -> list[Piece]:
        palette, said = self.palette, session.view.chronicle.line(index)
        style = getattr(palette, _TONES.get(said.event, "text"))
        pieces: list[Piece] = [(f"{said.time}  ", palette.dim)]
        if width >= WIDE - 4:
            pieces += [(f"{fit(said.kind, _KIND)} ", palette.dim), (f"{said.pid:>4}  ", palette.dim)]
        return [*pieces, (said.text, style)]


class Log(Panel, can_focus=True):
    """The panel with the log, which follows the present unless the past is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    poll_every_s = 0.1
    filters = "log"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._list = LogList(id="log-list")
        self._session: Session | None = None

    def compose(self) -> ComposeResult:
        yield self._list

    def update_from(self, session: Session, chosen: int | None) -> None:
        self._session = session
        self._list.update_from(session)

    def poll(self) -> None:
        """Go on reading the run even without new events."""
        if self._session is not None and self._session.view.chronicle.progress < 1:
            self._list.update_from(self._session)

    # Keys

    def action_choose(self, by: int) -> None:
        """Choose another line, ``by`` lines further on."""
        session = self._session
        if session is None:
            return
        lines, view = session.view.chronicle.lines, session.view
        place = self._list.place(session) + by
        if by < 0 and view.looks_back and 0 <= place + 1 < len(lines) and lines[place + 1] + 1 < view.moment.index:
            place += 1  # the point looked at came after its line
        if lines and (place < len(lines) or view.looks_back):
            last = place >= len(lines) - 1 and by > 0
            self.post_message(Turned(None if last else lines[max(place, 0)] + 1))

    def action_page(self, by: int) -> None:
        """Go on or back by pages."""
        self.action_choose(by * max(self._list.size.height - 2, 1))

    def action_first(self) -> None:
        """Go to the first line."""
        if self._session is not None and self._session.view.chronicle.lines:
            self.post_message(Turned(self._session.view.chronicle.lines[0] + 1))

    def action_last(self) -> None:
        """Go to the present and follow it."""
        self.post_message(Turned(None))

    def action_copy(self) -> None:
        """Copy the chosen line to the clipboard."""
        session = self._session
        if session is not None and (place := self._list.place(session)) >= 0:
            chronicle = session.view.chronicle
            copy(self.app, written(chronicle.line(chronicle.lines[place])))

    def action_save(self) -> None:
        """Save all lines to a file, or those that match the filter."""
        from sandbox.tui.screens.forms import SaveAs

        if self._session is not None:
            says = _("The file for all lines that the log shows now; what is in it is lost.")
            ask(self, SaveAs(_("Save the log"), says, f"{self._session.scenario.name}.log"), self._save)

    def _save(self, path: str) -> None:
        if self._session is not None:
            chronicle = self._session.view.chronicle
            save(self, path, (written(chronicle.line(index)) for index in chronicle.lines))


def written(said: Line) -> str:
    """Return a line as ``ossandbox run`` prints it."""
    return f"{said.time}  {fit(said.kind, _KIND)} {said.pid:>4}  {said.text}"
