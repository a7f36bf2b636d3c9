"""Whoever stands on the lookout: the sensor, its replacement when it is lost, and the witness of a verified run."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.kernel.machine import Started, Told
from sandbox.machines.linux.blocking.sensors import open_sensor, successor
from sandbox.machines.linux.blocking.sensors.base import Around, SensorLost
from sandbox.machines.linux.blocking.sensors.switch_log import Witness
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.cpus import Places
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.process_table import Population
from sandbox.machines.linux.reports import Outbox
from sandbox.model.spec import Boot


class Lookout:
    """Sees who blocks, who wakes and who goes on though he should stand still; the population is told."""

    def __init__(
        self, boot: Boot, places: Places, clock: Clock, poller: Poller, population: Population, out: Outbox
    ) -> None:
        self._clock = clock
        self._population = population
        self._out = out
        self._around = Around(places, clock, poller, population.by_os_pid, population.helpers)
        self.sensor, lost = open_sensor(boot.sensor, self._around)
        if lost is not None:
            out.fault(None, "sensor cannot be had", sensor=boot.sensor, reason=lost.strerror, next=self.sensor.name)
        self._witness = self._call_witness(places) if boot.verify else None

    def _call_witness(self, places: Places) -> Witness | None:
        try:
            return Witness(places.mini, self._clock, self._population.by_os_pid)
        except OSError as error:
            self._out.fault(None, "no witness", reason=error.strerror)
            return None

    def next_ns(self, now_ns: int) -> int | None:
        """When to look, if nothing makes itself felt before."""
        return self.sensor.next_look_ns(now_ns, self._population.running.values())

    def look(self, now_ns: int, last: bool) -> None:
        """Look; ``last``: a slice is over, and whoever blocked with its last breath has blocked."""
        population = self._population
        if self.sensor.bore(now_ns):
            population.look_for_relatives()
        try:
            seen = self.sensor.look(now_ns, population.running.values(), last)
        except SensorLost as lost:
            self._replace(lost)
            return
        for child, at_ns in seen.blocked:
            population.block(child, at_ns)
        for child in seen.woken:
            population.waiting.wake(child)
        for child in seen.again:
            if population.waiting.begin_again(child, now_ns):
                self.sensor.waits(child, now_ns)
        for child in seen.strays:
            population.vigil.suspect(child)
        if self._witness is not None:
            self._out.add(*map(Told, self._witness.testify()))

    def follow(self, dispatched: Iterable[Child]) -> dict[int, Started]:
        """These have just been let run."""
        started = {}
        for child in dispatched:
            self._population.running[child.pid] = child
            self.sensor.dispatched(child, child.started_ns)
            started[child.pid] = Started(child.started_ns, child.started_cpu_ns)
        return started

    def _replace(self, lost: SensorLost) -> None:
        """The next best takes over, and is told who runs and who waits."""
        old, self.sensor = self.sensor, successor(self.sensor.name, self._around)
        old.close()
        self._out.fault(None, "sensor lost", sensor=old.name, reason=lost.strerror, next=self.sensor.name)
        now_ns = self._clock.now_ns()
        for child in self._population.running.values():
            self.sensor.dispatched(child, now_ns)
        for child in self._population.waiting.children.values():
            self.sensor.waits(child, now_ns)

    def close(self) -> None:
        self.sensor.close()
        if self._witness is not None:
            self._witness.close()
