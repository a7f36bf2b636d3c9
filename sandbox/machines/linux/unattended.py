"""Ends an unattended run whose remaining processes would wait endlessly."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable, Mapping

from sandbox.machines.commands import Commands
from sandbox.machines.linux import procfs_timers
from sandbox.machines.linux.blocking.prospects import Prospect, prospect, verdict
from sandbox.machines.linux.blocking.waits import WaitMonitor
from sandbox.machines.linux.process.child import Child, Relative
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.reports import Reports
from sandbox.model.spec import CLIENT, SERVERS, Scenario
from sandbox.util.units import MS, S

#: How long all remaining processes must have waited for input or to be continued.
_MIN_HOPELESS_NS = 1 * S
#: How long a process must have polled for keys, without output and with less than this share of a CPU.
_MIN_POLLING_NS, _MAX_POLLING_SHARE = 5 * S, 0.1
#: How long the run continues after the last client has left, for children of servers to end.
_CLOSING_NS = 200 * MS
#: How long processes must have waited until it is believed that no alarm will end that, and that nobody sends a signal.
_MAX_ALARM_NS = 60 * S
_NEVER_NS = 1 << 62
#: Waits that somebody outside may end, by a signal.
_BY_SIGNALS = (Prospect.SIGNAL, Prospect.ALARM)
#: A process that only a user could make go on: its os_pid, the number of its wait (0: it polls), and what has to happen
#: (None: it is stopped).
_Hopeless = tuple[int, int, Prospect | None]


class Alarms:
    """Knows whether an alarm may end the present waits. ``read``: returns the alarms of all processes of the system, if
    visible. Those that were set before the run are not the board's."""

    def __init__(self, read: Callable[[], set[tuple[str, str]] | None]) -> None:
        self._read = read
        self._foreign = {timer for timer, _ in read() or ()}
        self._set: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Begin with other waits. Alarms that are set later, or again, are not of those who wait."""
        self._set = {alarm for alarm in self._read() or () if alarm[0] not in self._foreign}

    def are_set(self) -> bool | None:
        """Whether there still are alarms, or None if they are not visible."""
        found = self._read()
        return None if found is None else bool(found & self._set)


class UnattendedRun:
    """Ends the run if all remaining processes wait for input, to be continued, or for each other, or if all clients
    have left and only servers remain. ``blocked``: the blocked processes by pid; ``waits``: knows which of them are
    deadlocked; ``ask``: returns what has to happen before a process goes on."""

    def __init__(
        self,
        scenario: Scenario,
        table: ProcessTable,
        blocked: Mapping[int, Child],
        commands: Commands,
        reports: Reports,
        ask: Callable[[Child], Prospect] = prospect,
        waits: WaitMonitor | None = None,
        alarms: Callable[[], set[tuple[str, str]] | None] = procfs_timers.alarms,
    ) -> None:
        self._ask = ask
        self._waits = waits
        self._table = table
        self._blocked = blocked
        self._commands = commands
        self._reports = reports
        connected = [process.connect for process in scenario.processes if process.program == CLIENT]
        #: Whether clients may come from outside, which is assumed if the scenario has none.
        self._open = bool(scenario.clients) or not connected
        self._servers = {*connected, *(client.connect for client in scenario.clients)}
        #: Since when only a user could make anything go on, and which processes wait for that (None: not so now).
        self._hopeless_since_ns = 0
        self._hopeless: frozenset[_Hopeless] | None = None
        self._alarms, self._ask_alarms_ns = Alarms(alarms), 0
        #: By os_pid: the number of the wait, and what has to happen before it ends.
        self._prospects: dict[int, tuple[int, Prospect]] = {}
        #: Processes that poll for keys, by os_pid: since when without output, and their CPU time and output by then.
        self._polling: dict[int, tuple[int, int, int]] = {}
        self._served_since_ns = 0

    @property
    def pause_ns(self) -> int:
        """The longest time between checks: half of the time that has to pass."""
        return (_MIN_HOPELESS_NS if self._awaits_clients else _CLOSING_NS) // 2

    def check(self, now_ns: int) -> None:
        """Check whether to end the run. ``now_ns``: the machine's time."""
        self._check_prospects(now_ns)
        if not self._is_served():
            self._served_since_ns = now_ns
        elif now_ns - self._served_since_ns > _CLOSING_NS:
            self._commands.quit()

    def _check_prospects(self, now_ns: int) -> None:
        before, self._hopeless = self._hopeless, self._look(now_ns)
        if self._hopeless is None:
            self._hopeless_since_ns = now_ns
        elif self._hopeless != before:
            self._alarms.begin()
            self._ask_alarms_ns = 0
            if before is not None:
                self._hopeless_since_ns = now_ns
        elif now_ns - self._hopeless_since_ns > _MIN_HOPELESS_NS and now_ns > self._ask_alarms_ns:
            self._ask_alarms_ns = now_ns + _MIN_HOPELESS_NS // 2
            if now_ns - self._hopeless_since_ns > self._patience_ns(self._hopeless):
                self._give_up()

    def _patience_ns(self, hopeless: frozenset[_Hopeless]) -> int:
        """Return how long processes must have waited like this. An alarm may end any wait."""
        found = {prospect for _, _, prospect in hopeless}
        alarms = self._alarms.are_set()
        if Prospect.ALARM in found and alarms is not False:
            return _NEVER_NS
        if alarms or found & {Prospect.ALARM, Prospect.SIGNAL}:
            return _MAX_ALARM_NS
        if alarms is None and (
            Prospect.PARTNER in found
            or any(each is Prospect.PERSON and procfs_timers.limits_input(os_pid) for os_pid, _, each in hopeless)
        ):
            return _MAX_ALARM_NS
        return _MIN_HOPELESS_NS

    def _give_up(self) -> None:
        children = [child for child in self._table.by_pid.values() if not child.held]
        found = [(child.spec.name, self._of(child)) for child in children]
        why = verdict(found, self._waits.deadlocked_names if self._waits is not None else ())
        self._reports.fault(None, why.rule, **why.figures)
        self._commands.quit()

    @property
    def _awaits_clients(self) -> bool:
        return self._open and not self._commands.farewell

    def _look(self, now_ns: int) -> frozenset[_Hopeless] | None:
        """Return for what all processes wait, if only a user could make anything go on, or else None."""
        if not self._table.by_pid or self._table.arriving or self._commands.expected:
            return None
        if any(not self._is_idle(child) for child in self._table.running.values()):
            return None
        hopeless: list[_Hopeless] = []
        someone = self._waits is not None and self._waits.is_certain
        for child in self._table.by_pid.values():
            if self._waits_for_ever(child):
                someone = True
                continue
            found = None if child.held else self._of(child)
            if found is Prospect.OPEN or (found is Prospect.POLLS and not self._polls_in_vain(child, now_ns)):
                return None
            someone = someone or found is not Prospect.BOARD
            hopeless.append((child.os_pid, 0 if found is Prospect.POLLS else child.wait_number, found))
        return frozenset(hopeless) if someone else None

    def _is_idle(self, child: Child) -> bool:
        """Whether one that has a CPU only looks for something again and again."""
        return child.os_pid in self._polling or (self._waits is not None and child.pid in self._waits.restless)

    def _waits_for_ever(self, child: Child) -> bool:
        waits = self._waits
        if waits is None or child.pid not in waits.hopeless:
            return False
        return child.pid in self._blocked or child.pid in waits.restless

    def _of(self, child: Child) -> Prospect:
        """Return what has to happen before a process goes on. Determined once for each wait."""
        if child.pid not in self._blocked:
            return Prospect.POLLS if child.os_pid in self._polling else Prospect.OPEN
        wait_number, found = self._prospects.get(child.os_pid, (-1, Prospect.OPEN))
        if wait_number != child.wait_number:
            found = self._ask(child)
            if found in (Prospect.BOARD, Prospect.PARTNER, *_BY_SIGNALS):
                if procfs_timers.has_timers(child.os_pid):
                    found = Prospect.OPEN
                elif procfs_timers.may_have_alarm(child.os_pid):
                    found = Prospect.ALARM
            self._prospects[child.os_pid] = child.wait_number, found
            if found is not Prospect.POLLS:
                self._polling.pop(child.os_pid, None)
        return found

    def _polls_in_vain(self, child: Child, now_ns: int) -> bool:
        """Whether a process has polled for keys for long, and done nothing else."""
        cpu_ns, written = child.cpu_ns(), child.console.written if child.console is not None else 0
        since_ns, before_ns, before = self._polling.get(child.os_pid, (now_ns, cpu_ns, written))
        if written != before or cpu_ns - before_ns > (now_ns - since_ns) * _MAX_POLLING_SHARE + _CLOSING_NS:
            since_ns, before_ns = now_ns, cpu_ns
        self._polling[child.os_pid] = since_ns, before_ns, written
        return now_ns - since_ns > _MIN_POLLING_NS

    def _is_served(self) -> bool:
        """Whether all clients have left, and only servers remain."""
        if self._awaits_clients or self._reports or self._table.arriving or self._commands.expected:
            return False
        return bool(self._table.by_pid) and all(map(self._serves, self._table.by_pid.values()))

    def _serves(self, child: Relative | None) -> bool:
        """Whether a process or one of its ancestors is a server, or was connected to as one in the scenario."""
        while child is not None:
            if child.spec.program in SERVERS or child.spec.name in self._servers:
                return True
            child = child.parent
        return False
