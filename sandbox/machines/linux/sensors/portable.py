"""The portable sensor: psutil, which knows many systems."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import psutil

from sandbox.machines.linux.child import Child
from sandbox.machines.linux.sensors.poll import PollingSensor


class PsutilSensor(PollingSensor):
    """Asks psutil: slower, but the same on every system that psutil knows."""

    name = "psutil"
    share = 8
    _WAITING = frozenset(
        {
            psutil.STATUS_SLEEPING,
            psutil.STATUS_DISK_SLEEP,
            psutil.STATUS_IDLE,
            psutil.STATUS_WAITING,
            psutil.STATUS_TRACING_STOP,
        }
    )

    def __init__(self) -> None:
        super().__init__()
        self._processes: WeakKeyDictionary[Child, psutil.Process] = WeakKeyDictionary()

    def blocked(self, child: Child) -> bool:
        try:
            process = self._processes.get(child)
            if process is None:
                process = self._processes[child] = psutil.Process(child.os_pid)
            if process.status() not in self._WAITING:
                return False
            return process.num_threads() == 1 or not self._some_thread_runs(process)
        except psutil.Error:
            self._processes.pop(child, None)
            return False

    @staticmethod
    def _some_thread_runs(process: psutil.Process) -> bool:
        return any(
            psutil.Process(thread.id).status() == psutil.STATUS_RUNNING
            for thread in process.threads()
            if thread.id != process.pid
        )
