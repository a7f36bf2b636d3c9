"""How processes come to life: forked by us, each leading a session on a terminal of its own, and stopped before its
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

#: One that has not stopped after so long never will.
_MAX_START_NS = 10 * S
#: The work of the process by which the overhead of a start and an exit is measured.
_PROBE_NS = 3 * MS
#: No descriptor of ours has a higher number.
_MAX_DESCRIPTORS = 4_096


class Births:
    """Files lie in ``folder``; ``zero``: where the machine's clock began, in memory that processes share with it."""

    def __init__(self, folder: str, zero: Sequence[int], keeper: Keeper) -> None:
        self._folder, self._zero, self._keeper = folder, zero, keeper
        self._overhead_ns = 0
        self._overhead_ns = self._measure_overhead()

    def spawn(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child:
        """A new process, stopped. Raises SpawnFailed."""
        if spec.work is not None:
            program = synthetic_work(spec, self._overhead_ns, self._zero)
        else:
            program = other_program(spec, folder or self._folder)
        try:
            return self._fork(spec, order, program)
        except (OSError, psutil.Error) as error:
            raise SpawnFailed.why(spec.name, _reason(error)) from error

    def _fork(self, spec: ProcessSpec, order: int | None, program: Program) -> Child:
        """Raises OSError."""
        console = Console()
        used = memoryview(mmap.mmap(-1, 8)).cast("q")  # by the child, when it stops for the first time
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
        """The CPU time that a synthetic process costs beyond its work, in ns; 0 where none can be born."""
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
    """The whole life of a child, which keeps nothing of ours but its console."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError, ValueError):  # some are the C library's own
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
    """Raises OSError if it has died or takes far too long."""
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
    """A socket that becomes readable when a child has ended, stopped or gone on."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    return ours
