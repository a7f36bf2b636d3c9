"""The recordings of real runs that come with the lessons."""

from __future__ import annotations

import gzip

import pytest

from sandbox.lessons.course import lessons
from sandbox.lessons.whatif import imagined
from sandbox.scenario import find, load, recording_of
from sandbox.trace.load import Recording
from sandbox.views.figures import figures
from sandbox.views.history import History
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import happenings, judge

NAMES = [lesson.name for lesson in lessons()]
MAX_BYTES = 100_000


@pytest.mark.parametrize("name", NAMES)
def test_its_claims_hold(name: str) -> None:
    path = recording_of(name)
    assert path is not None, "make recordings"
    assert path.stat().st_size < MAX_BYTES
    scenario, recording = load(find(name)), Recording(str(path))
    history, tracker = History(), LessonTracker(happenings(scenario.claims))
    for event in recording.events():
        history.add(event)
        tracker.add(event)
    assert recording.problems == []
    known = imagined(scenario) | figures(history, tracker)
    assert [each.claim.text for each in judge(scenario.claims, tracker, known) if not each.held] == []
    header, _, _events = gzip.decompress(path.read_bytes()).partition(b"\n")
    assert recording.header.scenario.name == name
    assert b'"folder": ""' in header
