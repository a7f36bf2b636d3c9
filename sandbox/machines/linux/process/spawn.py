"""Forks processes, and waits until they have stopped before their first own instruction (``child_main``)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import errno
import gc
import os
import resource
import signal
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from select import select
from typing import NamedTuple

from sandbox.i18n import N_
from sandbox.machines.console import Console
from sandbox.machines.life import Program, SpawnFailed, client_of, other_program, synthetic_work
from sandbox.machines.linux.net.listeners import Listeners, NotListening
from sandbox.machines.linux.process.birth_notes import BirthNotes, DoneWithout
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.child_main import ChildSettings, child_main
from sandbox.machines.linux.process.limits import may_spawn, raise_descriptor_limit
from sandbox.machines.linux.process.session import read_news
from sandbox.model.events import Clause
from sandbox.model.spec import CLIENT, SERVERS, ProcessSpec, Segment
from sandbox.util import libc
from sandbox.util.addresses import resolve
from sandbox.util.refusals import refused
from sandbox.util.units import MS, S

#: How many processes are forked before the first of them must be ready.
_AHEAD = 16
#: How long a process may take until its first stop. One that has to load an interpreter first needs time.
_MAX_START_NS = 10 * S
#: Errors that need no explanation: out of descriptors, memory or processes, which may happen to any call.
_PLAIN = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
#: The work of the process that measures the overhead of a start and an exit.
_PROBE_NS = 3 * MS


def refused_birth(error: OSError, name: str) -> SpawnFailed:
    """Return the failure to start process ``name`` because of this error."""
    plain = error.errno in _PLAIN or not error.errno
    return SpawnFailed.why(name, (error.strerror or str(error)) if plain else refused(error))


class Forked(NamedTuple):
    """A process that may not have stopped yet. ``os_pid``: the process that we forked, which may be the session leader
    only."""

    spec: ProcessSpec
    order: int | None
    os_pid: int
    console: Console
    birth: int
    #: The pipe from which the os_pid of the program is read, if that is another process than the one that was forked.
    news: int | None = None


class Spawner:
    """Starts processes on a real CPU.

    ``folder``: where their files are; ``zero``: the start of the machine's clock, in memory shared with processes;
    ``batch``: whether a woken process does not preempt another; ``setuid``: whether programs may gain privileges;
    ``notes``: where Python programs note their locks ("": nowhere). The calling process must be single-threaded,
    because children are bound to die with the thread that forks them.
    """

    def __init__(
        self,
        cpu: int,
        folder: str,
        listeners: Listeners,
        zero: Sequence[int] = (0,),
        batch: bool = True,
        setuid: bool = False,
        notes: str = "",
    ) -> None:
        self._folder = folder
        self._listeners = listeners
        self._zero = zero
        self._notes_of_locks = notes
        nice, descriptors = os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_NOFILE)
        slack_ns = libc.inherited_timer_slack_ns()
        self._settings = ChildSettings(os.getpid(), cpu, nice, descriptors, slack_ns, batch, setuid)
        self._notes, self._births = BirthNotes(2 * _AHEAD), 0
        #: What was refused to all processes that are started here, although they can do without; None: not known yet.
        self.done_without: list[DoneWithout] | None = None
        #: The CPU time that a synthetic process costs here beyond its work; None: not measured yet.
        self._overhead_ns: int | None = None
        raise_descriptor_limit()
        gc.collect()
        gc.freeze()  # forked children would copy every page that the collector touches

    def spawn(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child:
        """Return a new process, stopped before its first own instruction. Raises SpawnFailed."""
        return self.wait_stopped(self.fork(spec, order, folder))

    def spawn_many(self, specs: Iterable[ProcessSpec]) -> Iterator[Child | SpawnFailed]:
        """Start processes and yield each, or why it failed, in this order. While the first of them prepare on their
        CPU, the next are forked on ours."""
        forked: deque[Forked | SpawnFailed] = deque()
        for order, spec in enumerate(specs):
            try:
                forked.append(self.fork(spec, order))
            except SpawnFailed as failure:
                forked.append(failure)
            if len(forked) >= _AHEAD:
                yield self._outcome(forked.popleft())
        while forked:
            yield self._outcome(forked.popleft())

    def _outcome(self, forked: Forked | SpawnFailed) -> Child | SpawnFailed:
        try:
            return forked if isinstance(forked, SpawnFailed) else self.wait_stopped(forked)
        except SpawnFailed as failure:
            return failure

    def fork(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Forked:
        """Fork a process, which then prepares itself until its first stop. Raises SpawnFailed."""
        try:
            listener = self._listeners.take(spec.name) if spec.program in SERVERS else None
        except NotListening as failure:
            raise SpawnFailed(failure.what) from failure
        program = self._program(spec, folder or self._folder)
        console = None
        try:
            console = Console()
            return self._fork(spec, order, console, listener, program)
        except OSError as error:
            if console is not None:
                console.close()
            raise refused_birth(error, spec.name) from error
        finally:
            if listener is not None:
                listener.close()

    def _fork(
        self,
        spec: ProcessSpec,
        order: int | None,
        console: Console,
        listener: socket.socket | None,
        program: Program,
    ) -> Forked:
        """Fork a process. Raises OSError."""
        news, tell = os.pipe() if program.executes else (None, -1)
        try:
            self._births = birth = self._births + 1
            self._notes.clear(birth)
            os_pid = os.fork()
            if os_pid == 0:
                note = partial(self._notes.write, birth)
                child_main(self._settings, spec, console.slave, listener, program, note, tell)
            return Forked(spec, order, os_pid, console, birth, news)
        except OSError:
            if news is not None:
                os.close(news)
            raise
        finally:
            if news is not None:
                os.close(tell)

    def wait_stopped(self, forked: Forked) -> Child:
        """Wait for the first stop of a process, and return it. Raises SpawnFailed."""
        os_pid = leader = forked.os_pid
        try:
            if forked.news is not None:
                os_pid = read_news(forked.news)
            _wait_for_first_stop(os_pid)
            forked.console.close_slave()
            child = Child(os_pid, forked.spec, forked.console)
            child.order, child.session = forked.order, leader
            signal.pidfd_send_signal(child.pidfd, 0)  # raises OSError if it is forbidden: no scheduling then
            if not may_spawn(child):
                child.close()
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            if self.done_without is None:
                self.done_without = self._notes.done_without(forked.birth)
            return child
        except OSError as error:
            for each in {os_pid, leader}:
                _end(each)
            forked.console.close()
            refusal = self._notes.refusal(forked.birth)
            failure = SpawnFailed.why(forked.spec.name, refusal) if refusal else refused_birth(error, forked.spec.name)
            raise failure from error
        finally:
            if forked.news is not None:
                os.close(forked.news)

    def _program(self, spec: ProcessSpec, folder: str) -> Program:
        """Return what the process does once it is dispatched. Raises SpawnFailed."""
        if spec.work is not None:
            return synthetic_work(spec, self._overhead(), self._zero)
        if spec.program != CLIENT:
            return other_program(spec, folder, self._notes_of_locks)
        address = self._listeners.find(spec.connect or "")
        if address is None:
            raise SpawnFailed(Clause("nobody listens", {"name": spec.name, "at": spec.connect}))
        try:
            return client_of(spec, resolve(address)[1])
        except OSError as error:
            raise refused_birth(error, spec.name) from error

    def _overhead(self) -> int:
        """Return the CPU time in ns that a synthetic process costs here beyond its work. Measuring it takes some 30 ms,
        so it is done when the first such process is wanted."""
        if self._overhead_ns is None:
            self._overhead_ns = 0  # of the processes that are measured
            self._overhead_ns = self._measure_overhead()
        return self._overhead_ns

    def _measure_overhead(self) -> int:
        """Measure what a synthetic process costs for its start and its exit (median of three). Return 0 if no process
        can be started; the first one that is wanted will then tell why."""
        probe = ProcessSpec("probe", work=[Segment("cpu", _PROBE_NS)])
        costs = []
        for _ in range(3):
            try:
                child = self.spawn(probe)
            except SpawnFailed:
                return 0
            child.resume()
            select([child.pidfd], [], [], _MAX_START_NS / S)
            costs.append(child.cpu_ns() - _PROBE_NS)
            _end(child.os_pid)
            child.close()
            if child.console is not None:
                child.console.close()
        return sorted(costs)[1]


def _wait_for_first_stop(os_pid: int) -> None:
    """Wait until a child has stopped. Raises OSError if it has exited or takes too long."""
    give_up_ns = time.monotonic_ns() + _MAX_START_NS
    while time.monotonic_ns() < give_up_ns:
        result = os.waitid(os.P_PID, os_pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if result is None:
            time.sleep(50e-6)
        elif result.si_code == os.CLD_STOPPED:
            os.waitid(os.P_PID, os_pid, os.WSTOPPED | os.WNOHANG)
            return
        else:
            raise OSError(0, f"ended before its start (status {result.si_status})")
    raise OSError(0, N_("did not start in time"))


def _end(os_pid: int) -> None:
    """Kill and reap a process that was forked in a failed start."""
    if os_pid <= 0:
        return  # its number never became known
    try:
        os.kill(os_pid, signal.SIGKILL)  # its number cannot be reused until we reap it
        os.waitpid(os_pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
