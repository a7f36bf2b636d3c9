"""When a run that nobody attends is over though processes are left: they would wait for ever."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.machines.linux.blocking.block_reason import READS_CONSOLE
from sandbox.machines.linux.commands import Commands
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.reports import Reports
from sandbox.model.events import Clause
from sandbox.model.spec import CLIENT, SERVERS, Scenario
from sandbox.util.units import MS, S

#: So long all that is left must have waited for somebody to type, or to be continued.
_MIN_HOPELESS_NS = 1 * S
#: So long after the last client has left the run goes on, for servers' children to end.
_CLOSING_NS = 200 * MS


class UnattendedRun:
    """Quits when all that is left waits for somebody to type or to be continued after it was stopped, or when all
    clients have left and only servers are there. ``blocked``: the blocked processes by pid."""

    def __init__(
        self,
        scenario: Scenario,
        table: ProcessTable,
        blocked: Mapping[int, Child],
        commands: Commands,
        reports: Reports,
    ) -> None:
        self._table = table
        self._blocked = blocked
        self._commands = commands
        self._reports = reports
        connected = [process.connect for process in scenario.processes if process.program == CLIENT]
        #: Whether clients may come from outside: where the scenario has none at all, anybody may.
        self._open = bool(scenario.clients) or not connected
        self._servers = {*connected, *(client.connect for client in scenario.clients)}
        # Since when that has been so.
        self._hopeless_since_ns = 0
        self._served_since_ns = 0

    @property
    def pause_ns(self) -> int:
        """How long not to check: half of the time that has to pass."""
        return (_MIN_HOPELESS_NS if self._awaits_clients else _CLOSING_NS) // 2

    def check(self, now_ns: int) -> None:
        """Now, by the machine's time."""
        if not self._is_hopeless():
            self._hopeless_since_ns = now_ns
        elif now_ns - self._hopeless_since_ns > _MIN_HOPELESS_NS:
            self._give_up()
        if not self._is_served():
            self._served_since_ns = now_ns
        elif now_ns - self._served_since_ns > _CLOSING_NS:
            self._commands.quit()

    def _give_up(self) -> None:
        readers = (child for child in self._blocked.values() if child.blocked_on == READS_CONSOLE and not child.held)
        names = ", ".join(child.spec.name for child in readers)
        if names:
            self._reports.fault(None, "waits for somebody to type", names=names)
        else:
            self._reports.fault(None, "nothing can happen any more")
        self._commands.quit()

    @property
    def _awaits_clients(self) -> bool:
        return self._open and not self._commands.farewell

    def _is_hopeless(self) -> bool:
        """Whether all that is left waits for somebody to type or to be continued, or for a child that does."""
        if not self._blocked or self._table.running or self._table.arriving or self._commands.expected:
            return False
        waits = [child for child in self._blocked.values() if not (child.held or child.blocked_on == READS_CONSOLE)]
        return len(waits) < len(self._blocked) and all(_awaits_child(child.blocked_on) for child in waits)

    def _is_served(self) -> bool:
        """Whether all clients have left, and only servers are there."""
        if self._awaits_clients or self._reports or self._table.arriving or self._commands.expected:
            return False
        return bool(self._table.by_pid) and all(map(self._serves, self._table.by_pid.values()))

    def _serves(self, child: Child | None) -> bool:
        """Whether this one, or one of those that it comes from, is a server, or was meant to be one."""
        while child is not None:
            if child.spec.program in SERVERS or child.spec.name in self._servers:
                return True
            child = child.parent
        return False


def _awaits_child(on: Clause | None) -> bool:
    return on is not None and on.rule == "wait for child"
