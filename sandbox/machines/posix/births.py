"""Starts processes: they are forked by us, lead their own sessions on their own terminals, and are stopped before their
first own instruction."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import mmap
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import psutil

from sandbox.i18n import N_
from sandbox.machines.console import Console, take_console
from sandbox.machines.life import (
    Program,
    SpawnFailed,
    begin_own_code,
    finish,
    other_program,
    print_exception,
    set_surroundings,
    synthetic_work,
)
from sandbox.machines.posix.child import Child
from sandbox.machines.posix.keeper import Keeper
from sandbox.model.spec import ProcessSpec, Segment
from sandbox.util.refusals import refused
from sandbox.util.units import MS, S

#: How long a process may take to stop for the first time.
_MAX_START_NS = 10 * S
#: The work of the process that measures the overhead of start and exit.
_PROBE_NS = 3 * MS
#: A bound of the descriptors that children close.
_MAX_DESCRIPTORS = 4_096


class Births:
    """Starts processes. ``folder``: of files; ``zero``: shared memory with the CLOCK_MONOTONIC time at which the
    machine's time is 0."""

    def __init__(self, folder: str, zero: Sequence[int], keeper: Keeper) -> None:
        self._folder, self._zero, self._keeper = folder, zero, keeper
        self._overhead_ns = 0
        self._overhead_ns = self._measure_overhead()

    def spawn(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child:
        """Start a process, which is stopped then. Raises SpawnFailed."""
        if spec.work is not None:
            program = synthetic_work(spec, self._overhead_ns, self._zero)
        else:
            program = other_program(spec, folder or self._folder)
        try:
            return self._fork(spec, order, program)
        except (OSError, psutil.Error) as error:
            raise SpawnFailed.why(spec.name, _reason(error)) from error

    def _fork(self, spec: ProcessSpec, order: int | None, program: Program) -> Child:
        """Fork a process and wait for its first stop. Raises OSError."""
        console = Console()
        used = memoryview(mmap.mmap(-1, 8)).cast("q")  # the child's CPU time at its first stop
        try:
            os_pid = os.fork()
            if os_pid == 0:
                _live(console.slave, program, used)
        except OSError:
            console.close()
            raise
        self._keeper.born(os_pid)
        try:
            _wait_for_first_stop(os_pid)
            console.close_slave()
            return Child(os_pid, spec, order, console, None if program.stops else used[0])
        except (OSError, psutil.Error):
            with suppress(OSError):
                os.kill(os_pid, signal.SIGKILL)
                os.waitpid(os_pid, 0)
            self._keeper.gone(os_pid)
            console.close()
            raise

    def _measure_overhead(self) -> int:
        """Return the CPU time that a synthetic process uses in addition to its work, in ns; 0 if none can be
        started."""
        try:
            child = self.spawn(ProcessSpec("probe", work=[Segment("cpu", _PROBE_NS)]))
        except SpawnFailed:
            return 0
        child.resume()
        while not child.look():
            time.sleep(0.001)
        self._keeper.gone(child.os_pid)
        if child.console is not None:
            child.console.close()
        return max(child.cpu_ns() - _PROBE_NS, 0)


def _live(terminal: int, program: Program, used: memoryview) -> NoReturn:
    """Run the child from the fork until its exit. It keeps none of our descriptors but its console."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError, ValueError):  # some are reserved by the C library
                signal.signal(number, signal.SIG_DFL)
        os.setsid()
        take_console(terminal)
        os.closerange(3, _MAX_DESCRIPTORS)
        set_surroundings()
        if not program.executes:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            begin_own_code()
        used[0] = time.process_time_ns()
        if not program.stops:
            os.kill(os.getpid(), signal.SIGSTOP)
        status = program.main()
    except BaseException:
        print_exception()
    finally:
        finish(status)


def _reason(error: OSError | psutil.Error) -> str:
    if isinstance(error, OSError):
        return refused(error) if error.errno else str(error.strerror or error)
    return str(error)


def _wait_for_first_stop(os_pid: int) -> None:
    """Wait until the process has stopped. Raises OSError if it has ended or takes too long."""
    give_up_ns = time.monotonic_ns() + _MAX_START_NS
    while time.monotonic_ns() < give_up_ns:
        found, status = os.waitpid(os_pid, os.WNOHANG | os.WUNTRACED)
        if not found:
            time.sleep(50e-6)
        elif os.WIFSTOPPED(status):
            return
        else:
            raise OSError(0, f"ended before its start (status {os.waitstatus_to_exitcode(status)})")
    raise OSError(0, N_("did not start in time"))


def wakes_on_children() -> socket.socket:
    """Return a socket that becomes readable when a child has exited, stopped or continued."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    return ours
