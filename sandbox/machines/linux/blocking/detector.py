"""Detects which processes block, wake, or run although they were stopped. A sensor that is lost is replaced."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.blocking.blocked import MIN_REPORT_NS, BlockedProcesses
from sandbox.machines.linux.blocking.forecast import EARLY_NS, LATE_NS, LOOK_NS, MAX_LATENESS_NS, Forecast
from sandbox.machines.linux.blocking.sensors import open_sensor, successor
from sandbox.machines.linux.blocking.sensors.base import SensorContext, SensorLost
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.lineage import Lineage
from sandbox.machines.linux.switching.stop_monitor import StopMonitor
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.reports import Reports


class Detector:
    """Passes on what the sensor sees to ``blocked`` and ``stop_monitor``. ``sensor``: the name of the one that is
    wanted."""

    def __init__(
        self,
        sensor: str,
        context: SensorContext,
        blocked: BlockedProcesses,
        stop_monitor: StopMonitor,
        guard: WriteGuard,
        reports: Reports,
    ) -> None:
        self._context = context
        self._running = context.table.running
        self._blocked = blocked
        self._stop_monitor = stop_monitor
        self._guard = guard
        self._reports = reports
        #: Predicts the next block of a running process.
        self.forecast = Forecast()
        self._sensor, lost = open_sensor(sensor, context)
        if lost is not None:
            reports.fault(None, "sensor cannot be had", sensor=sensor, reason=lost.strerror, next=self._sensor.name)

    @property
    def sensor(self) -> str:
        """The name of the sensor in use."""
        return self._sensor.name

    def next_ns(self, now_ns: int) -> int | None:
        """Return when to look, if no event comes earlier; None if there is no need to."""
        look_ns, expected_ns = self._sensor.next_look_ns(now_ns, self._running.values()), self.forecast.next_ns
        if expected_ns is None:
            return look_ns
        wake_ns = expected_ns - self._early_ns
        return wake_ns if look_ns is None or wake_ns < look_ns else look_ns

    def await_block(self, expiry_ns: int | None) -> None:
        """Busy-wait for the predicted block, if it is near, but not beyond the end of a slice."""
        now, expected_ns = self._context.clock.now_ns, self.forecast.next_ns
        if expected_ns is None or now() < expected_ns - self._early_ns:
            return
        until_ns = expected_ns + LATE_NS if expiry_ns is None else min(expected_ns + LATE_NS, expiry_ns)
        while not self._sensor.has_news():
            if now() >= until_ns:
                self.forecast.missed()
                return

    @property
    def _early_ns(self) -> int:
        """How long before a predicted block we wake. Sleeps end late, but the busy wait must not become too long."""
        return EARLY_NS + min(self._context.poller.lateness.usual_ns, MAX_LATENESS_NS)

    def forked(self, now_ns: int) -> bool:
        """Whether new processes should be looked for now."""
        return self._sensor.forked(now_ns)

    @property
    def lineage(self) -> Lineage | None:
        """The lives of processes by records; None if the sensor has no records."""
        return self._sensor.lineage

    @property
    def misses_nobody(self) -> bool:
        """Whether every birth so far was recorded."""
        return self._sensor.lineage is not None and self._sensor.lineage.whole

    def read(self) -> None:
        """Process the records that are available."""
        self._sensor.read()

    def sees_nothing(self, now_ns: int, last: bool) -> bool:
        """Whether it is known without a look that nothing has happened, as at the end of most slices."""
        return self._sensor.sees_nothing(now_ns, last)

    def look(self, now_ns: int, last: bool) -> None:
        """Look for blocks and wakes, and pass them on. ``last``: whether a slice has just expired; a block at the same
        moment takes precedence."""
        try:
            seen = self._sensor.look(now_ns, self._running.values(), last)
        except SensorLost as lost:
            self._replace(lost)
            return
        for child, at_ns in seen.blocked:
            del self._running[child.pid]
            self._blocked.add(child, at_ns)
            self.forecast.blocked(child, at_ns)
        for child in seen.woke:
            if child.writing and self._guard.goes_on(child):
                self._sensor.look_again(child, now_ns)
            else:
                self._blocked.wake(child)
        for child in seen.again:
            if child.writing:
                self._guard.again(child)
            if self._blocked.blocked_again(child, now_ns):
                self._sensor.explained(child, now_ns)
            else:
                self._sensor.look_later(child, child.wait_reported_ns + MIN_REPORT_NS)
        for child in seen.runaways:
            self._stop_monitor.suspect(child)

    def dispatched(self, child: Child) -> None:
        """Note that a process was dispatched."""
        self._sensor.dispatched(child, child.started_ns)
        self.forecast.dispatched(child)
        if self.forecast.next_ns is not None and not self._sensor.tells_all:
            self._sensor.look_by(self.forecast.next_ns + LOOK_NS)
            self.forecast.next_ns = None  # this sensor gives no events to busy-wait for

    def found_held(self, child: Child) -> None:
        """Note that a process that was to be run is also stopped by another process."""
        del self._running[child.pid]
        self._blocked.add_held(child)
        self._sensor.explained(child, child.started_ns)

    def explained(self, child: Child, since_ns: int) -> None:
        """Note that the reason of a block is known, which may include when it will end."""
        self._sensor.explained(child, since_ns)

    def _replace(self, lost: SensorLost) -> None:
        """Replace the sensor by the next best one, which is told which processes run and which are blocked."""
        old, self._sensor = self._sensor, successor(self._sensor.name, self._context)
        old.close()
        self._reports.fault(None, "sensor lost", sensor=old.name, reason=lost.strerror, next=self._sensor.name)
        now_ns = self._context.clock.now_ns()
        for child in self._running.values():
            self._sensor.dispatched(child, now_ns)
        for child in self._blocked.by_pid.values():
            self._sensor.explained(child, now_ns)

    def close(self) -> None:
        self._sensor.close()
