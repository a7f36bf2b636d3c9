"""What a scenario claims of a run whose turns are steps of its programs: that hangs on nothing but their order."""

from __future__ import annotations

from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.views.figures import figures
from sandbox.views.history import History
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import Verdict, happenings, judge


class Claims:
    """Looks on while a run goes on."""

    def __init__(self, scenario: Scenario) -> None:
        self._claims = scenario.claims
        self._tracker = LessonTracker(happenings(scenario.claims))

    @classmethod
    def of(cls, scenario: Scenario) -> Claims | None:
        """None: it claims nothing, or what also hangs on how long things take."""
        return cls(scenario) if scenario.machine.stepped and scenario.claims else None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self._tracker.add(event)

    def verdicts(self, history: History) -> list[Verdict]:
        """Each claim against a run that is over."""
        return judge(self._claims, self._tracker, figures(history, self._tracker))
