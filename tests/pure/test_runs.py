"""Runs in virtual time are the same for ever: what a lecture shows, a handout prints or an exam asks stays right.

``tests/vectors/runs.json`` has two characters for each event of each run (``tests.support.runs``), and for each figure
that is computed from them. After a change that is meant: ``python -m tests.support.runs``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model.events import Event
from tests.support.runs import POLICIES, generated, mark, marks, on_record, runs

ON_RECORD = on_record()
RUNS = dict(runs())


def test_all_of_them_are_on_record() -> None:
    assert RUNS.keys() | {f"generated / {label}" for label in POLICIES} == ON_RECORD.keys()


@pytest.mark.parametrize(("name", "run"), RUNS.items(), ids=RUNS)
def test_a_run_goes_as_it_always_did(name: str, run: Callable[[], list[Event]]) -> None:
    events, before = run(), ON_RECORD[name]
    known = [before["events"][at : at + 2] for at in range(0, len(before["events"]), 2)]
    for number, (event, was) in enumerate(zip(events, known, strict=False)):
        assert mark(event) == was, (
            f"event {number} is another one: {event}, after {events[max(number - 3, 0) : number]}"
        )
    assert len(events) == len(known)
    assert marks(events) == before, "the same events, but other figures of them"


@pytest.mark.parametrize("label", POLICIES)
def test_a_policy_decides_as_it_always_did_in_any_world(label: str) -> None:
    now = [mark(events) for events in generated(label)]
    known = ON_RECORD[f"generated / {label}"]["worlds"]
    assert [number for number, each in enumerate(now) if each != known[2 * number : 2 * number + 2]] == []
