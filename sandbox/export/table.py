"""Export to CSV: a row for each stretch of time that a process spent in one state."""

from __future__ import annotations

import csv
from typing import TextIO

from sandbox import wording
from sandbox.export.material import Material
from sandbox.i18n import english

_HEAD = ("pid", "os_pid", "parent", "name", "state", "cpu", "start_ns", "end_ns", "lasts_ns", "cpu_ns", "why")


def write(material: Material, file: TextIO) -> None:
    """Write a header and the rows, in order of the beginnings of the stretches; cells without a value are empty."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_HEAD)
    for each in sorted(material.stretches, key=lambda stretch: (stretch.start_ns, stretch.pid)):
        with english():  # the output is for programs
            why = wording.stretch(each.state.name, each.why)
        admitted = material.history.lives[each.pid].admitted
        rows.writerow(
            [
                each.pid,
                admitted.os_pid,
                admitted.parent,
                admitted.name,
                each.state.name,
                each.cpu,
                each.start_ns,
                each.end_ns,
                each.end_ns - each.start_ns,
                each.cpu_ns,
                why,
            ]
        )
