"""Verifications and measurements in print."""

from __future__ import annotations

from typing import Any

from sandbox.report import milliseconds, print_table
from sandbox.units import MS, US

Figures = dict[str, Any]


def microseconds(ns: int | None) -> str:
    """A short time in a table: whole microseconds, ``-`` for none."""
    return "-" if ns is None else f"{ns / US:.0f}"


_PARTS = ("p50", "p99", "max")
_VERIFIED = (
    ("a used-up slice, longer than granted by", "slice_error"),
    ("from one process to the next, where a slice ended", "dispatch_gap"),
    ("from one process to the next, where one blocked", "block_to_dispatch"),
    ("CPU time of a process, our books more than the records by", "accounting_error"),
)


def print_verification(figures: Figures) -> None:
    """How true the slices of a run were."""
    print("\nheld against the system's own records of every switch:")
    rows = [
        [says, str(figures[key]["count"]), *(microseconds(figures[key][part]) for part in _PARTS)]
        for says, key in _VERIFIED
    ]
    print_table(["all times in µs", "number", *_PARTS], rows, left={0})
    ours, records = figures["undispatched_ns"], figures["undispatched_recorded_ns"]
    print(
        f"ran without being dispatched: {milliseconds(ours)} ms by our books, {milliseconds(records)} ms by the records"
    )


def print_measurement(measurement: Figures) -> None:
    """What a machine can do, as tables."""
    print("four processes that only compute:")
    head = ["quantum", "CPU delivered", "slice error p50", "p99", "dispatch gap p50", "p99", "engine's own CPU"]
    print_table(head, [_slices(figures) for figures in measurement["quanta"]], left=set())
    print("\nfive that compute 1 ms and wait 15 ms by turns, and one that only computes, quantum 10 ms:")
    head = ["sensor", "block → next dispatch p50", "p99", "ran undispatched", "engine's own CPU"]
    print_table(head, [_blocks(figures) for figures in measurement["sensors"]], left={0})
    load = measurement["against_linux"]
    ours, linux = milliseconds(load["makespan_ns"]), milliseconds(load["linux_makespan_ns"])
    print(
        f"\na mixed load, quantum 10 ms: {ours} ms here, {linux} ms left to Linux on the same CPU: "
        f"{load['ratio']:.3f} times as long"
    )
    if any(figures["dispatch_gap_ns"] is None for figures in measurement["quanta"]):
        print("- : only the system's own records could tell, and it keeps none for us (see: ossandbox doctor)")


def _slices(figures: Figures) -> list[str]:
    return [
        f"{figures['quantum_ns'] // MS} ms",
        f"{figures['delivered']:.2%}",
        *_times(figures["slice_error_ns"]),
        *_times(figures["dispatch_gap_ns"]),
        _share(figures["engine_cpu"]),
    ]


def _blocks(figures: Figures) -> list[str]:
    times = _times(figures["block_to_dispatch_ns"])
    undispatched = f"{milliseconds(figures['undispatched_ns'])} ms"
    return [figures["sensor"], *times, undispatched, _share(figures["engine_cpu"])]


def _times(spread: Figures | None) -> list[str]:
    return ["-", "-"] if spread is None else [f"{microseconds(spread[part])} µs" for part in ("p50", "p99")]


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
