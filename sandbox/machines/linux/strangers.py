"""Children that this process had before a run: ``sleep 300 & exec ossandbox run …``."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

from sandbox.machines.linux.descent import Stat, family


class Strangers:
    """They descend from us, are not ours, and are left alone, with all that they bear: what was there when this was
    made, and whoever lives in one of their sessions or in our own, where nothing of a run ever does."""

    def __init__(self) -> None:
        found = family(os.getpid())
        self._os_pids = {stat.os_pid for stat in found}
        self._sessions = {os.getsid(0), *(stat.session for stat in found)}

    def __call__(self, stat: Stat) -> bool:
        return stat.os_pid in self._os_pids or stat.session in self._sessions
