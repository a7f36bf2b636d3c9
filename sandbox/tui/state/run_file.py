"""Recording a run in a file, from its first event."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.model.events import Clause, Event
from sandbox.model.spec import Scenario
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder
from sandbox.views.eventlog import EventLog


class RunFile:
    """The file in which a run is recorded, if any. ``recorder``: a recorder that has already begun."""

    def __init__(self, scenario: Scenario, recorder: Recorder | None = None) -> None:
        self._scenario = scenario
        self._recorder = recorder

    @property
    def open(self) -> bool:
        return self._recorder is not None and self._recorder.goes_on

    def begin(self, path: str, past: EventLog) -> None:
        """Record all events so far, and go on recording. Raises BadValue."""
        recorder = Recorder(path, describe(self._scenario, None))
        for lines in past.blocks():
            recorder.copy(lines)
        self._recorder = recorder

    def add_events(self, events: Iterable[Event]) -> Clause | None:
        """Record new events. Returns the problem, once, if recording has ended because of it; otherwise None."""
        return self._recorder.take(events) if self._recorder is not None else None

    def close(self) -> str:
        """End the recording. Returns the file's path, "" if there is no file."""
        if self._recorder is None:
            return ""
        self._recorder.close()
        return self._recorder.path
