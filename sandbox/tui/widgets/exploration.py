"""The line about a search for an order of turns in which the scenario fails, shown while there is a search or its
result."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox.i18n import _, ngettext
from sandbox.model.spec import Scenario
from sandbox.tui.listening import Listening
from sandbox.tui.state.order_search import OrderSearch
from sandbox.tui.widgets.lines import Lines, Piece, line
from sandbox.tui.widgets.tabs import Clicked


class ExplorationLine(Lines):
    """The line above the key bar. The search ends with the widget."""

    ALLOW_SELECT = False

    class Over(Message):
        """The search has ended."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.search = OrderSearch()
        self._listening: Listening | None = None
        self.display = False

    def begin(self, scenario: Scenario, width: int) -> None:
        """Start a search. Raises OSError."""
        self._let_go()
        self.search.begin(scenario, width)
        if self.search.worker is not None:
            self._listening = Listening(self.search.worker, self._heard)
        self._show()

    def stop(self) -> None:
        """Stop the search, or hide its result if it has ended."""
        searches = self.search.worker is not None
        self._let_go()
        self.search.stop() if searches else self.search.clear()
        self._show()

    def leave(self, scenario: Scenario) -> None:
        """Forget the search, as this scenario runs from now on, unless the search is still going on for the same
        scenario."""
        if scenario is not self.search.scenario or self.search.worker is None:
            self._let_go()
            self.search.clear()
            self._show()

    def on_unmount(self) -> None:
        """End the search, so that no process is left behind."""
        self._let_go()
        self.search.clear()

    def _let_go(self) -> None:
        if self._listening is not None:
            self._listening.stop()
            self._listening = None

    def _heard(self) -> None:
        worker = self.search.worker
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.stop()  # its socket is closed when the search has ended
        self.search.hear()
        if self.search.worker is not None and worker is not None:
            self._listening = Listening(worker, self._heard)
        else:
            self.post_message(self.Over())
        self._show()

    # Drawing

    def _show(self) -> None:
        self.display = self.search.scenario is not None
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        search, palette = self.search, self.palette
        runs = ngettext("{number} run", "{number} runs", search.tried.runs).format(number=search.tried.runs)
        pieces: list[Piece]
        if search.worker is not None:
            said = _("{runs}, orders of {number} preemptions").format(runs=runs, number=search.tried.preemptions)
            if search.tried.found:
                said += ", " + _("one breaks it")
            stops = _("{key} stops").format(key=self.key("explore_stop"))
            pieces = [(f" {_('EXPLORE')}  ", palette.running), (said, palette.text), (f"   {stops}", palette.dim)]
        elif search.result is not None:
            sign, style = ("✘", palette.failed) if search.result.order else ("✔", palette.ready)
            shows = _("{key} shows it").format(key=self.key("explore"))
            pieces = [(f" {sign} ", style), (search.result.says, palette.text), (f"   {shows}", palette.dim)]
        else:
            said = _("{problem}, after {runs}").format(problem=search.problem, runs=runs)
            pieces = [(f" {_('EXPLORE')}  ", palette.dim), (said, palette.text)]
        return [line(pieces, width)]

    def on_click(self, event: events.Click) -> None:
        """Show the result, if there is one."""
        event.prevent_default()
        if self.search.result is not None:
            self.post_message(Clicked("explore"))
