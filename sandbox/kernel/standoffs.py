"""Which processes blocked ones wait for, as reported by the machine. Policies read it from ``Task.waits_for``."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.kernel.machine import Happened, Told
from sandbox.kernel.process import Process
from sandbox.model.events import Waits
from sandbox.model.states import BLOCKED, EXITED


class Standoffs:
    """The processes that wait for others, by pid. The kernel decides nothing by it; a policy may."""

    def __init__(self) -> None:
        self.waiters: dict[int, Process] = {}

    def take(self, happened: Happened, processes: Mapping[int, Process]) -> list[Process]:
        """Take in the ``Waits`` events of this instant. Returns the processes whose known holders have changed."""
        changed = []
        for told in happened.all(Told):
            if isinstance(told.event, Waits) and (process := processes.get(told.event.pid)) is not None:
                holders = [processes[pid] for pid in told.event.holders if pid in processes]
                if process.state is BLOCKED and self._set(process, holders):
                    changed.append(process)
        return changed

    def leave(self, process: Process) -> list[Process]:
        """Note that a process has stopped waiting, or has exited, after which no process waits for it. Returns the
        processes whose known holders have changed."""
        if not self.waiters:
            return []
        changed = [process] if self._set(process, []) else []
        if process.state is EXITED:
            for waiter in [*self.waiters.values()]:
                if process in waiter.waits_for:
                    self._set(waiter, [holder for holder in waiter.waits_for if isinstance(holder, Process)])
                    changed.append(waiter)
        return changed

    def _set(self, process: Process, holders: list[Process]) -> bool:
        """Set the holders that a process waits for. Returns whether they have changed."""
        found = tuple(holder for holder in holders if holder.state is not EXITED and holder is not process)
        if found == process.waits_for:
            return False
        process.waits_for = found
        if found:
            self.waiters[process.pid] = process
        else:
            self.waiters.pop(process.pid, None)
        return True
