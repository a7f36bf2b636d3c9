"""Keeping a run in a file, from its first event."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.model.events import Clause, Event
from sandbox.model.spec import Scenario
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder
from sandbox.views.eventlog import EventLog


class RunFile:
    """The file that keeps a run, while there is one. ``recorder``: one that has been begun already."""

    def __init__(self, scenario: Scenario, recorder: Recorder | None = None) -> None:
        self._scenario = scenario
        self._recorder = recorder

    @property
    def open(self) -> bool:
        return self._recorder is not None and self._recorder.goes_on

    def begin(self, path: str, past: EventLog) -> None:
        """Keep all that has happened so far, and go on. Raises BadValue."""
        recorder = Recorder(path, describe(self._scenario, None))
        for lines in past.blocks():
            recorder.copy(lines)
        self._recorder = recorder

    def add_events(self, events: Iterable[Event]) -> Clause | None:
        """Keep what has happened. Returns what went wrong, once, if the file has ended by it."""
        return self._recorder.take(events) if self._recorder is not None else None

    def close(self) -> str:
        """End the file; its path."""
        if self._recorder is None:
            return ""
        self._recorder.close()
        return self._recorder.path
