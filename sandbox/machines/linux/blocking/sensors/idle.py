"""A sensor that works on any Linux: an idle task of ours on each mini CPU tells when that has nothing else to do."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import socket
from collections.abc import Collection, Iterable
from typing import NoReturn

from sandbox.i18n import N_
from sandbox.machines.linux.blocking.sensors.base import Block, Sensor, SensorContext, SensorLost
from sandbox.machines.linux.process.child import Child
from sandbox.util import libc
from sandbox.util.units import MS

#: The pause of an idle task after a false alarm, without which it would alarm us whenever Linux gives it its share.
_REST_NS = 1 * MS
#: What is written to an idle task to arm it, and what it writes when it runs.
_BYTE = b"."


class IdleSensor(Sensor):
    """Detects blocks by one idle task per mini CPU."""

    name = "idle"
    #: A process may block while a task of the system keeps the CPU from its idle task; and forks are only found by
    #: looking.
    pause_ns = 4 * MS

    def __init__(self, context: SensorContext) -> None:
        super().__init__()
        self._context = context
        self._tasks: list[IdleTask] = []
        try:
            for cpu in context.cpus.mini:
                self._tasks.append(IdleTask(cpu))
        except OSError as error:
            self.close()
            raise SensorLost(error.errno, error.strerror or str(error)) from error
        for task in self._tasks:
            context.table.helpers.add(task.os_pid)
            context.poller.add(task.fileno(), None)

    def dispatched(self, child: Child, now_ns: int) -> None:
        """Arm the idle task of the process's CPU, since the process may block soon."""
        super().dispatched(child, now_ns)
        if child.cpu is not None:
            self._tasks[child.cpu].arm()

    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Return the running processes on CPUs whose idle task has run."""
        idle = {cpu for cpu, task in enumerate(self._tasks) if task.armed and task.rang()}
        if any(task.lost for task in self._tasks):
            raise SensorLost(0, N_("its idle task has ended"))
        if now_ns >= self._next_ns:
            for task in self._tasks:
                task.arm()
        elif idle:
            self._next_ns = min(self._next_ns, now_ns + _REST_NS)
        return [Block(child, None) for child in running if child.cpu in idle]

    def close(self) -> None:
        for task in self._tasks:
            self._context.poller.remove(task.fileno())
            task.close()
        self._tasks.clear()


class IdleTask:
    """The idle task of one real CPU, which runs when nothing else can.

    It is a child of ours in SCHED_IDLE. When it runs, the CPU has nothing else to do. It writes one byte, and sleeps
    until it is armed again. Linux also gives it a share of a busy CPU (its weight is 3, compared with 1024), so an
    alarm is a reason to look, and no proof. ``lost``: whether it has ended. The constructor raises OSError if it is not
    permitted.
    """

    def __init__(self, cpu: int) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.lost = False
        #: Whether it will write when it runs.
        self.armed = False
        parent = os.getpid()
        self.os_pid = os.fork()
        if self.os_pid == 0:
            _idle(parent, cpu, theirs.fileno())
        self._pidfd = os.pidfd_open(self.os_pid)
        theirs.close()

    def fileno(self) -> int:
        return self._ours.fileno()

    def arm(self) -> None:
        """Have the task write once when it runs."""
        if not self.armed and not self.lost:
            self.armed = True
            try:
                self._ours.send(_BYTE)
            except OSError:
                self.lost = True

    def rang(self) -> bool:
        """Whether it has run since it was armed."""
        try:
            heard = self._ours.recv(16)
        except BlockingIOError:
            return False
        except OSError:
            heard = b""
        self.lost = not heard
        self.armed = False
        return not self.lost

    def close(self) -> None:
        """Kill and reap the task."""
        self._ours.close()
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended and was reaped already
        os.close(self._pidfd)


def _idle(parent: int, cpu: int, descriptor: int) -> NoReturn:
    """Run the whole life of an idle task."""
    try:
        if libc.end_with_parent(parent):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.sched_setaffinity(0, {cpu})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            libc.set_name(f"idle-{cpu}")
            os.closerange(3, descriptor)
            os.closerange(descriptor + 1, 1 << 20)
            while os.read(descriptor, 1):
                os.write(descriptor, _BYTE)
    finally:
        os._exit(0)
