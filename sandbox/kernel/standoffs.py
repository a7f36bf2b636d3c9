"""For whom blocked processes wait, as the machine tells, and as policies see it in ``Task.waits_for``."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.kernel.machine import Happened, Told
from sandbox.kernel.process import Process
from sandbox.model.events import Waits
from sandbox.model.states import BLOCKED, EXITED


class Standoffs:
    """Those who wait for others, by pid. Nothing is decided by it unless a policy does."""

    def __init__(self) -> None:
        self.waiters: dict[int, Process] = {}

    def take(self, happened: Happened, processes: Mapping[int, Process]) -> list[Process]:
        """What is told at this instant. Returns those of whom another holder is known than before, or none."""
        changed = []
        for told in happened.all(Told):
            if isinstance(told.event, Waits) and (process := processes.get(told.event.pid)) is not None:
                holders = [processes[pid] for pid in told.event.holders if pid in processes]
                if process.state is BLOCKED and self._set(process, holders):
                    changed.append(process)
        return changed

    def leave(self, process: Process) -> list[Process]:
        """A process goes on, or has ended: it waits for nobody, and once it has ended nobody waits for it. Returns
        those for whom that changes something."""
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
        """Whether that is new."""
        found = tuple(holder for holder in holders if holder.state is not EXITED and holder is not process)
        if found == process.waits_for:
            return False
        process.waits_for = found
        if found:
            self.waiters[process.pid] = process
        else:
            self.waiters.pop(process.pid, None)
        return True
