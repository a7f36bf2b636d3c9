"""Runs of a lesson's scenario with its what-if settings in virtual time."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.machines.simulate import simulate
from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.views.figures import Figure, figures
from sandbox.views.history import History
from sandbox.views.tracker import LessonTracker


def imagined(scenario: Scenario) -> dict[str, Figure]:
    """Run the scenario with each of its what-if settings, and return the figures by ``SETTINGS.FIGURE``. Raises
    BadValue if a policy cannot be constructed."""
    found: dict[str, Figure] = {}
    for whatif in scenario.whatifs:
        history, tracker = _run(whatif.applied(scenario))
        found |= {f"{whatif.name}.{name}": figure for name, figure in figures(history, tracker).items()}
    return found


def _run(scenario: Scenario) -> tuple[History, LessonTracker]:
    history, tracker = History(), LessonTracker()

    def take(events: Iterable[Event]) -> None:
        for event in events:
            history.add(event)
            tracker.add(event)

    simulate(scenario, take)
    return history, tracker
