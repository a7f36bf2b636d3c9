"""How processes come to life: forked by us, and stopped before their first own instruction (``child_main``)."""

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

#: So many are forked before the first of them has to be ready.
_AHEAD = 16
#: One that has not stopped after so long never will. An interpreter that has first to be loaded takes its time.
_MAX_START_NS = 10 * S
#: What explains itself: no descriptors, no memory, no more processes, which may be refused to anything.
_PLAIN = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
#: The work of the process by which the overhead of a start and an exit is measured.
_PROBE_NS = 3 * MS


def refused_birth(error: OSError, name: str) -> SpawnFailed:
    """The system refused something."""
    plain = error.errno in _PLAIN or not error.errno
    return SpawnFailed.why(name, (error.strerror or str(error)) if plain else refused(error))


class Forked(NamedTuple):
    """A process that is not known to have stopped yet. ``os_pid``: of the one that we forked, which leads a session."""

    spec: ProcessSpec
    order: int | None
    os_pid: int
    console: Console
    birth: int
    #: Where a program tells its os_pid, if it is another process than the one that was forked.
    news: int | None = None


class Spawner:
    """Starts processes on a real CPU; files lie in ``folder``. ``zero``: where the machine's clock began, in memory
    that processes share with it. ``batch``: a woken process does not preempt another; ``setuid``: programs may gain
    privileges; ``notes``: where those of Python note their locks. Only a single-threaded process may have one: the
    arming of a child against our death follows the thread that forks."""

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
        #: What all processes here do without.
        self.done_without: list[DoneWithout] = []
        self._overhead_ns = 0
        raise_descriptor_limit()
        gc.collect()
        gc.freeze()  # forked children would copy every page that the collector touches
        self._overhead_ns = self._measure_overhead()

    def spawn(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child:
        """A new process, stopped before its first own instruction. Raises SpawnFailed."""
        return self.wait_stopped(self.fork(spec, order, folder))

    def spawn_many(self, specs: Iterable[ProcessSpec]) -> Iterator[Child | SpawnFailed]:
        """New processes in this order, or why one could not be started. While the first of them get ready on their
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
        """A new process, on its way to its first stop. Raises SpawnFailed."""
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
        """Raises OSError."""
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
        """Wait for its first stop. Raises SpawnFailed."""
        os_pid = leader = forked.os_pid
        try:
            if forked.news is not None:
                os_pid = read_news(forked.news)
            _wait_for_first_stop(os_pid)
            forked.console.close_slave()
            child = Child(os_pid, forked.spec, forked.console)
            child.order, child.session = forked.order, leader
            signal.pidfd_send_signal(child.pidfd, 0)  # where that is forbidden it could not be scheduled
            if not may_spawn(child):
                child.close()
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
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
        """What it does once it is dispatched. Raises SpawnFailed."""
        if spec.work is not None:
            return synthetic_work(spec, self._overhead_ns, self._zero)
        if spec.program != CLIENT:
            return other_program(spec, folder, self._notes_of_locks)
        address = self._listeners.find(spec.connect or "")
        if address is None:
            raise SpawnFailed(Clause("nobody listens", {"name": spec.name, "at": spec.connect}))
        try:
            return client_of(spec, resolve(address)[1])
        except OSError as error:
            raise refused_birth(error, spec.name) from error

    def _measure_overhead(self) -> int:
        """The CPU time that a synthetic process costs here beyond its work: its start and its exit, in ns
        (median of three); 0 where none can be born, of which the first one that is wanted will tell."""
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
        self.done_without = self._notes.done_without(self._births)
        return sorted(costs)[1]


def _wait_for_first_stop(os_pid: int) -> None:
    """Raises OSError if the child has died or takes far too long."""
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
    """End what was forked for nothing."""
    if os_pid <= 0:
        return  # it has not come so far
    try:
        os.kill(os_pid, signal.SIGKILL)  # its number is its own until we take its status
        os.waitpid(os_pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
