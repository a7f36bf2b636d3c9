"""A portable sensor, which uses psutil."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from weakref import WeakKeyDictionary

import psutil

from sandbox.machines.linux.blocking.sensors.base import SensorContext
from sandbox.machines.linux.blocking.sensors.poll import PollSensor
from sandbox.machines.linux.process.child import Child


class PsutilSensor(PollSensor):
    """Polls through psutil: slower, but the same on every system that psutil supports."""

    name = "psutil"
    share = 8
    _ASLEEP = frozenset(
        {
            psutil.STATUS_SLEEPING,
            psutil.STATUS_DISK_SLEEP,
            psutil.STATUS_IDLE,
            psutil.STATUS_WAITING,
            psutil.STATUS_TRACING_STOP,
        }
    )

    def __init__(self, context: SensorContext) -> None:
        super().__init__(context)
        self._processes: WeakKeyDictionary[Child, psutil.Process] = WeakKeyDictionary()

    def is_blocked(self, child: Child) -> bool:
        try:
            process = self._processes.get(child)
            if process is None:
                process = self._processes[child] = psutil.Process(child.os_pid)
            status = process.status()
            if status == psutil.STATUS_ZOMBIE and process.num_threads() > 1:
                return not (child.stop_wanted or self._some_thread_runs(process))  # only its first thread has ended
            if status not in self._ASLEEP:
                return bool(status == psutil.STATUS_STOPPED and not child.stop_wanted)
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
