"""Children that this process has had before the run, as in ``sleep 300 & exec ossandbox run …``."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

from sandbox.machines.linux.descent import Stat, family


class Strangers:
    """Descendants that are not part of a run, and are never ended by us: those that exist when this is created, and all
    processes in their sessions or in our own session, which processes of a run never have."""

    def __init__(self) -> None:
        found = family(os.getpid())
        self._os_pids = {stat.os_pid for stat in found}
        self._sessions = {os.getsid(0), *(stat.session for stat in found)}

    def __call__(self, stat: Stat) -> bool:
        return stat.os_pid in self._os_pids or stat.session in self._sessions
