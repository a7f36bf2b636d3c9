"""The sensors by name, best first."""

from __future__ import annotations

from sandbox.machines.linux.sensors.base import Sensor
from sandbox.machines.linux.sensors.poll import PollSensor

NAMES = ("auto", "poll", "psutil")


def open_sensor(name: str) -> Sensor:
    """The sensor of that name; ``auto``: the best that this machine permits."""
    if name == "psutil":
        from sandbox.machines.linux.sensors.portable import PsutilSensor  # loaded only where it is wanted

        return PsutilSensor()
    return PollSensor()
