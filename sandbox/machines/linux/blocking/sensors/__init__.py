"""The sensors by name, best first."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable

from sandbox.machines.clock import Clock
from sandbox.machines.linux.blocking.sensors.base import Sensor, SensorContext, SensorLost
from sandbox.machines.linux.blocking.sensors.idle import IdleSensor
from sandbox.machines.linux.blocking.sensors.perf import PerfSensor
from sandbox.machines.linux.blocking.sensors.poll import PollSensor
from sandbox.machines.linux.cpus import assign_cpus
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.model.spec import SENSORS


def _psutil(context: SensorContext) -> Sensor:
    from sandbox.machines.linux.blocking.sensors.portable import PsutilSensor  # a large import

    return PsutilSensor(context)


_SENSORS: dict[str, Callable[[SensorContext], Sensor]] = {
    "perf": PerfSensor,
    "idle": IdleSensor,
    "poll": PollSensor,
    "psutil": _psutil,
}
NAMES = SENSORS
#: The sensors that ``auto`` tries, and that replace a lost one. The last is available everywhere.
_AUTO = ("perf", "idle", "poll")
#: Sensors that poll, which is never refused.
_EVERYWHERE = ("poll", "psutil")


def open_sensor(name: str, context: SensorContext) -> tuple[Sensor, SensorLost | None]:
    """Return the sensor of that name, or the next one that is available, and why the first is not. ``auto``: the
    best."""
    if name == "auto":
        return _first(_AUTO, context), None
    try:
        return _SENSORS[name](context), None
    except SensorLost as lost:
        return successor(name, context), lost


def successor(name: str, context: SensorContext) -> Sensor:
    """Return the sensor that replaces a lost one with this name."""
    return _first(_AUTO[_AUTO.index(name) + 1 :] if name in _AUTO[:-1] else _AUTO[-1:], context)


def _first(names: tuple[str, ...], context: SensorContext) -> Sensor:
    for name in names:
        try:
            return _SENSORS[name](context)
        except SensorLost:
            continue
    raise AssertionError("polling can always be had")


def obstacle(name: str, cpus: int) -> str | None:
    """Return what prevents the sensor on this machine with so many mini CPUs; None if nothing does."""
    if name in _EVERYWHERE:
        return None
    poller = Poller()
    try:
        _SENSORS[name](SensorContext(assign_cpus(cpus), Clock(), poller, ProcessTable())).close()
    except SensorLost as lost:
        return lost.strerror
    finally:
        poller.close()
    return None
