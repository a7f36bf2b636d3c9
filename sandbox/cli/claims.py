"""Checks the claims of stepped scenarios, which depend on nothing but the order of turns."""

from __future__ import annotations

from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.views.figures import figures
from sandbox.views.history import History
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import Verdict, happenings, judge


class Claims:
    """Watches the events of a run for the scenario's claims."""

    def __init__(self, scenario: Scenario) -> None:
        self._claims = scenario.claims
        self._tracker = LessonTracker(happenings(scenario.claims))

    @classmethod
    def of(cls, scenario: Scenario) -> Claims | None:
        """Return the claims of a scenario; None if it has none, or is not stepped, so that they also depend on
        timing."""
        return cls(scenario) if scenario.machine.stepped and scenario.claims else None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self._tracker.add(event)

    def verdicts(self, history: History) -> list[Verdict]:
        """Return whether each claim holds, after the run."""
        return judge(self._claims, self._tracker, figures(history, self._tracker))
