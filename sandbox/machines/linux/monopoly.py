"""Reports a process that keeps the CPU while others wait, which would not be visible under a policy without slices."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.process.child import Mode
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.reports import Reports
from sandbox.util.units import S

#: How long a process may keep a CPU while others wait before it is reported.
_MIN_TURN_NS = 10 * S


class Monopoly:
    """Reports each process once."""

    def __init__(self, table: ProcessTable, reports: Reports) -> None:
        self._table = table
        self._reports = reports

    def check(self, now_ns: int) -> None:
        """Check the running processes. ``now_ns``: the machine's time."""
        for child in self._table.running.values():
            for_ns = now_ns - child.started_ns
            if for_ns < _MIN_TURN_NS:
                continue
            waiting = [other.spec.name for other in self._table.by_pid.values() if other.mode is Mode.STOPPED]
            if waiting:
                self._reports.fault_once(child, "keeps the CPU", for_ns=for_ns // S * S, waiting=", ".join(waiting[:3]))
