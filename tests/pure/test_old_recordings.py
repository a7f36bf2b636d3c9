"""Recordings that earlier versions have made still load, and come to the same figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.machines.simulate import simulate
from sandbox.model.events import AnyEvent, encode
from sandbox.trace.load import Recording
from sandbox.views.metrics import fold, metrics
from tests.support.views import log_of

FOLDER = Path(__file__).parents[1] / "vectors" / "recordings"
#: Makespan, switches, and the mean turnaround and waiting time, as the version that made the recording printed them;
#: it did not count the first switch, from nobody, and took its means over adopted processes, too.
FIGURES = {
    "0.1.0-real.trace": (92_494_900, 16, 57_487_234, 5_424_439),
    "0.1.0-virtual.trace": (2_100_000_000, 105, 2_080_000_000, 1_380_000_000),
}


def read(name: str) -> tuple[Recording, list[AnyEvent]]:
    recording = Recording(str(FOLDER / name))
    return recording, [*recording.events()]


@pytest.mark.parametrize("name", FIGURES)
def test_every_event_loads_and_the_figures_are_the_same(name: str) -> None:
    recording, events = read(name)
    assert recording.problems == []
    assert len(events) == len((FOLDER / name).read_text("utf-8").splitlines()) - 1
    log_of(events)  # raises on what cannot have happened
    figures = metrics(fold(events))
    means = figures["turnaround_ns"]["mean"], figures["waiting_ns"]["mean"]
    assert (figures["makespan_ns"], figures["switches"], *means) == FIGURES[name]


def test_the_scenario_in_a_recording_runs_as_it_did() -> None:
    recording, events = read("0.1.0-virtual.trace")
    again: list[bytes] = []
    simulate(recording.header.scenario, lambda more: again.extend(map(encode, more)))
    assert again == [encode(event) for event in events]
