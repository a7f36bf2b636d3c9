"""Prints the findings of an examination, the figures of a measurement, and the accuracy of a run's slices."""

from __future__ import annotations

from typing import Any

from sandbox.analysis.measurement.finding import Finding
from sandbox.i18n import Messages, _
from sandbox.render.output import say
from sandbox.render.tables import milliseconds, print_table
from sandbox.util.units import MS, US

Figures = dict[str, Any]


def microseconds(ns: int | None) -> str:
    """Return a time in whole microseconds, for a table; ``-`` for None."""
    return "-" if ns is None else f"{ns / US:.0f}"


_PARTS = ("p50", "p99", "max")
_VERIFIED: Messages = {
    "slice_error": "excess of a used-up slice",
    "dispatch_gap": "gap between two processes after the end of a slice",
    "block_to_dispatch": "gap between two processes after a block",
    "accounting_error": "excess of a process's CPU time over the records",
}


_SIGNS: Messages = {
    "ok": "✔ ok",
    "limited": "● limited",
    "fails": "✘ fails",
}


def print_findings(findings: list[Finding]) -> None:
    """Print a table of findings, followed by advice."""
    rows = [[_(_SIGNS[finding.state]), finding.name, finding.found] for finding in findings]
    print_table(["", _("what"), _("found")], rows, {0, 1, 2})
    advice = [finding for finding in findings if finding.advice]
    if advice:
        say()
        say(_("What to do:"))
        for finding in advice:
            say(f"  {finding.name}: {finding.advice}")
    if any(finding.state == "fails" for finding in findings):
        say()
        say(_("Real processes cannot run here; ossandbox simulate can."))


def print_verification(figures: Figures) -> None:
    """Print the accuracy of a run's slices."""
    say()
    say(_("compared with the system's records of every switch:"))
    rows = [
        [_(says), str(figures[key]["count"]), *(microseconds(figures[key][part]) for part in _PARTS)]
        for key, says in _VERIFIED.items()
    ]
    print_table([_("all times in µs"), _("number"), "p50", "p99", _("max")], rows, left={0})
    ours, records = milliseconds(figures["undispatched_ns"]), milliseconds(figures["undispatched_recorded_ns"])
    said = _("ran without being dispatched: {ours} ms by our accounts, {records} ms by the records")
    say(said.format(ours=ours, records=records))


def print_measurement(measurement: Figures) -> None:
    """Print the tables of a measurement."""
    engine = _("CPU of the kernel process")
    say(_("four processes that only compute:"))
    head = [_("quantum"), _("CPU delivered"), _("slice error p50"), "p99", _("dispatch gap p50"), "p99", engine]
    print_table(head, [_slices(figures) for figures in measurement["quanta"]], left=set())
    say()
    say(_("five processes that compute 1 ms and wait 15 ms alternately, and one that only computes, quantum 10 ms:"))
    head = [_("sensor"), _("block → next dispatch p50"), "p99", _("ran undispatched"), engine]
    print_table(head, [_blocks(figures) for figures in measurement["sensors"]], left={0})
    say()
    load = measurement["against_linux"]
    said = _(
        "a mixed load, quantum 10 ms: {ours} ms here, {linux} ms scheduled by Linux on the same CPU: "
        "{ratio} times as long"
    )
    ours, linux = milliseconds(load["makespan_ns"]), milliseconds(load["linux_makespan_ns"])
    say(said.format(ours=ours, linux=linux, ratio=f"{load['ratio']:.3f}"))
    if any(figures["dispatch_gap_ns"] is None for figures in measurement["quanta"]):
        say(_("- : unknown without the system's records (see: ossandbox doctor)"))


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
