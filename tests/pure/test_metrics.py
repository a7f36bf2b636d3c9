"""The result document and its figures."""

from __future__ import annotations

import json

import pytest

from sandbox.util.stats import percentile
from sandbox.util.units import MS
from sandbox.views.metrics import fold, jain, metrics, one_after_another, result
from tests.support.scenarios import process, scenario, simulate

WORLD = scenario(
    process("long", "cpu 30ms", "io 20ms", "cpu 10ms"), process("short", "cpu 5ms", arrive="10ms"), quantum_ns=20 * MS
)


def test_the_document_has_the_form_that_is_promised() -> None:
    document = json.loads(json.dumps(result(fold(simulate(WORLD)))))
    assert list(document) == ["scenario", "machine", "policy", "processes", "slices", "metrics"]
    assert document["machine"] == {"kind": "virtual", "cpus": 1, "sensor": None}
    assert document["policy"] == {"name": "rr", "parameters": {"quantum_ns": 20 * MS}}
    assert document["processes"][1] == {
        "pid": 2, "os_pid": None, "parent": None, "name": "short", "arrived_ns": 10 * MS, "first_run_ns": 20 * MS,
        "finished_ns": 25 * MS, "cpu_ns": 5 * MS, "waiting_ns": 10 * MS, "blocked_ns": 0, "turnaround_ns": 15 * MS,
        "response_ns": 10 * MS, "switches": 1, "exit": 0,
    }  # fmt: skip
    assert document["slices"][0] == {
        "pid": 1, "cpu": 0, "start_ns": 0, "end_ns": 20 * MS, "cpu_ns": 20 * MS, "reason": "expired",
    }  # fmt: skip
    assert set(document["metrics"]) == {
        "makespan_ns", "cpu_utilisation", "throughput_per_s", "switches", "undispatched_ns", "turnaround_ns", "waiting_ns",
        "response_ns", "fairness_jain",
    }  # fmt: skip
    assert set(document["metrics"]["waiting_ns"]) == {"mean", "p50", "p95", "max"}


def test_the_figures() -> None:
    figures = metrics(fold(simulate(WORLD)))
    assert figures["makespan_ns"] == 65 * MS
    assert figures["cpu_utilisation"] == pytest.approx(45 / 65)
    assert figures["throughput_per_s"] == pytest.approx(2 / 0.065)
    assert figures["switches"] == 2  # long → short → long; alone it goes on without one
    assert figures["turnaround_ns"] == {"mean": 40 * MS, "p50": 15 * MS, "p95": 65 * MS, "max": 65 * MS}


def test_one_after_another_is_what_each_used_and_waited() -> None:
    serial = one_after_another(fold(simulate(WORLD)))
    assert serial["makespan_ns"] == 65 * MS
    assert serial["cpu_utilisation"] == pytest.approx(45 / 65)


def test_an_empty_run_has_figures_too() -> None:
    figures = metrics(fold(simulate(scenario())))
    assert (figures["makespan_ns"], figures["cpu_utilisation"], figures["fairness_jain"]) == (0, 0.0, 1.0)
    assert figures["waiting_ns"]["mean"] is None


def test_percentiles_are_nearest_rank() -> None:
    values = list(range(1, 101))
    assert [percentile(values, share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert percentile([7], 0.95) == 7


def test_fairness() -> None:
    assert jain([1, 1, 1, 1]) == pytest.approx(1)
    assert jain([1, 0, 0, 0]) == pytest.approx(0.25)
