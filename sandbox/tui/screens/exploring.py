"""The search for an order of turns in which the scenario fails: starting it, and opening the order found.

The modules for the search are imported when it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from textual.widgets import Input

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Pause
from sandbox.model.spec import Scenario
from sandbox.tui.interaction import tell
from sandbox.tui.widgets.entry import TakesAllKeys

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen
    from sandbox.tui.widgets.exploration import ExplorationLine


class _Runs(Protocol):
    """The part of the app that is needed here."""

    def run_scenario(self, scenario: Scenario) -> None: ...


class Exploring:
    """The search on a screen, for the scenario of the screen's session."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        self._line: ExplorationLine | None = None

    def begin(self) -> None:
        """Start a search, or show what it has found."""
        session, line = self._screen.session, self._line
        if not session.scenario.machine.stepped:
            said = _('Orders are searched where a turn is a line: slice = "line" in the scenario')
            tell(self._screen, said, severe=True)
        elif not session.has_machine:
            tell(self._screen, _("This is a recording: what happened has happened"), severe=True)
        elif line is not None and line.search.result is not None:
            self._show_found()
        elif line is None or line.search.worker is None:
            self._explore()

    def stop(self) -> None:
        """End the search, or hide its result."""
        if self._line is not None:
            self._line.stop()

    def leave(self) -> None:
        """Forget the search if another scenario runs from now on."""
        if self._line is not None:
            self._line.leave(self._screen.session.scenario)

    def over(self) -> None:
        """Show the result of the search that has ended, unless the user is typing or in a dialog."""
        types = isinstance(self._screen.focused, (Input, TakesAllKeys))
        if self._screen.app.screen is self._screen and not types:
            self._show_found()

    def _explore(self) -> None:
        from sandbox.tui.screens.explored import room
        from sandbox.tui.widgets.exploration import ExplorationLine

        if self._line is None:
            self._line = ExplorationLine(id="exploration")
            self._screen.mount(self._line, before="#keys")
        try:
            self._line.begin(self._screen.session.scenario, room(self._screen.size.width))
        except OSError as error:
            said = _("the search cannot be started: {reason}")
            tell(self._screen, said.format(reason=wording.system_error(error)), severe=True)

    def _show_found(self) -> None:
        from sandbox.tui.screens.explored import ShowExplored

        line = self._line
        if line is None or line.search.result is None:
            return
        replayed = line.search.replayed()

        def answered(opens: bool | None) -> None:
            if opens and replayed is not None:
                self._open(replayed)

        name = self._screen.session.scenario.name
        self._screen.app.push_screen(ShowExplored(name, line.search.result), answered)

    def _open(self, scenario: Scenario) -> None:
        """Run the order found, paused before its first turn."""
        from sandbox.tui.screens.leave import ask_before

        screen = self._screen

        def run() -> None:
            cast(_Runs, screen.app).run_scenario(scenario)
            screen.session.send(Pause())
            screen.turn_to("program")

        ask_before(screen.app, screen.session, _("Open a scenario"), _("open it all the same"), run)
