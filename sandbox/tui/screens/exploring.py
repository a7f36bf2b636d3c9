"""The search for an order of turns in which the scenario breaks: begun by a key, and what it finds can be opened.

Nothing of it is imported before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from textual.widgets import Input

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Pause
from sandbox.model.spec import Scenario
from sandbox.tui.interaction import tell
from sandbox.tui.screens.lists import ListScreen
from sandbox.tui.widgets.entry import TakesAllKeys

if TYPE_CHECKING:
    from sandbox.tui.widgets.exploration import ExplorationLine


class _Runs(Protocol):
    """The app, as far as it is needed here."""

    def run_scenario(self, scenario: Scenario) -> None: ...


class ExploringScreen(ListScreen):
    """A screen over a session whose orders of turns can be searched."""

    def __init__(self) -> None:
        super().__init__()
        self._exploration: ExplorationLine | None = None

    def turn_to(self, name: str) -> None:
        """Have the panel of this name in front."""
        raise NotImplementedError

    def action_explore(self) -> None:
        """Begin the search, or show what it has found."""
        session, line = self.session, self._exploration
        if not session.scenario.machine.stepped:
            tell(self, _('Orders are searched where a turn is a line: slice = "line" in the scenario'), severe=True)
        elif not session.has_machine:
            tell(self, _("This is a recording: what happened has happened"), severe=True)
        elif line is not None and line.search.result is not None:
            self._show_found()
        elif line is None or line.search.worker is None:
            self._explore()

    def _explore(self) -> None:
        from sandbox.tui.screens.explored import FRAME
        from sandbox.tui.widgets.exploration import ExplorationLine

        if self._exploration is None:
            self._exploration = ExplorationLine(id="exploration")
            self.mount(self._exploration, before="#keys")
        try:
            self._exploration.begin(self.session.scenario, self.size.width - FRAME)
        except OSError as error:
            said = _("the search cannot be started: {reason}")
            tell(self, said.format(reason=wording.system_error(error)), severe=True)

    def action_stop_exploring(self) -> None:
        """End the search; or tell no longer of what it has found."""
        if self._exploration is not None:
            self._exploration.stop()

    def leave_exploration(self) -> None:
        """Something else runs."""
        if self._exploration is not None:
            self._exploration.leave(self.session.scenario)

    def on_exploration_line_over(self) -> None:
        """It is shown at once to who does nothing else."""
        types = isinstance(self.focused, (Input, TakesAllKeys))
        if self.app.screen is self and not types:
            self._show_found()

    def _show_found(self) -> None:
        from sandbox.tui.screens.explored import ShowExplored

        line = self._exploration
        if line is None or line.search.result is None:
            return
        replayed = line.search.replayed()

        def answered(opens: bool | None) -> None:
            if opens and replayed is not None:
                self._open(replayed)

        self.app.push_screen(ShowExplored(self.session.scenario.name, line.search.result), answered)

    def _open(self, scenario: Scenario) -> None:
        """Run the order that was found: it is paused before its first turn."""
        from sandbox.tui.screens.leave import ask_before

        def run() -> None:
            cast(_Runs, self.app).run_scenario(scenario)
            self.session.send(Pause())
            self.turn_to("program")

        ask_before(self.app, self.session, _("Open a scenario"), _("end them and open it"), run)
