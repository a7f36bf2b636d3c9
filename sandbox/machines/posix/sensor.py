"""Detects by polling that processes block and wake up."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import psutil

from sandbox.machines.posix.accounts import STILL_NS, WAITING, Knowledge
from sandbox.machines.posix.child import Child
from sandbox.util.units import US

#: A waiting process may still use so much CPU time, for example to enter the wait; if it uses more, it has woken up.
_MAX_ASLEEP_NS = 100 * US


class Sensor:
    """Detects waits. ``knowledge``: what psutil can tell here."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def dispatched(self, child: Child) -> None:
        """Note that a process was dispatched."""
        child.seen_cpu_ns, child.seen_ns = child.started_cpu_ns, child.started_ns

    def waits(self, child: Child, now_ns: int) -> bool:
        """Whether a running process waits."""
        if not self._knowledge.accounts_tell:
            return self._state(child) in WAITING
        if (cpu_ns := child.cpu_ns()) > child.seen_cpu_ns:
            child.seen_cpu_ns, child.seen_ns = cpu_ns, now_ns
        return now_ns - child.seen_ns >= STILL_NS

    def blocked(self, child: Child) -> None:
        """Note that a process waits."""
        child.seen_cpu_ns = child.cpu_ns()

    def goes_on(self, child: Child) -> bool:
        """Whether a waiting process has woken up."""
        if not self._knowledge.accounts_tell:
            return self._state(child) == psutil.STATUS_RUNNING
        return child.cpu_ns() - child.seen_cpu_ns > _MAX_ASLEEP_NS

    @staticmethod
    def _state(child: Child) -> str:
        try:
            return str(child.process.status())
        except psutil.Error:
            return ""
