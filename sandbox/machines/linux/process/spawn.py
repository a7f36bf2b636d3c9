"""How a process comes to life: forked, armed, confined, and stopped before its first own instruction.

The order matters. A child is armed against orphaning (PR_SET_PDEATHSIG) before its first stop, because a
stopped process in a session of its own would otherwise outlive us for ever; it checks that we still live,
because the arming comes too late if we died before it; and it stops itself, so that seeing it stopped is
the proof that all this has been done.
"""

from __future__ import annotations

import errno
import gc
import os
import resource
import signal
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sandbox.i18n import N_
from sandbox.machines.linux.net.listeners import Listeners, NotListening
from sandbox.machines.linux.process.bodies import Body, running, synthetic, talking
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.child_main import Ways, arm, highest_descriptor
from sandbox.machines.linux.process.console import Console
from sandbox.model.events import Clause
from sandbox.model.spec import CLIENT, SERVERS, ProcessSpec, Segment
from sandbox.programs.function import finish, print_exception
from sandbox.util.addresses import resolve
from sandbox.util.text import clean_line

#: A console, a pidfd and a kept-open stat file.
DESCRIPTORS_EACH = 3
#: So many are not given to processes: births stop before adoptions, and looking around must always be possible.
_FOR_ADOPTION, _FOR_US = 24, 8
#: So many are forked before the first of them has to be ready.
_AHEAD = 16
_PATIENCE_NS = 2_000_000_000
_PROBE_NS = 3_000_000


class BirthFailed(Exception):
    """A process could not be started; the others can. ``what``: why, as data, with its name."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what

    @classmethod
    def by(cls, error: OSError, name: str) -> BirthFailed:
        """The system refused something."""
        return cls(Clause("could not be started", {"name": name, "reason": clean_line(error.strerror or str(error))}))


class Unborn(NamedTuple):
    """Forked, and not known to be armed and stopped."""

    spec: ProcessSpec
    order: int | None
    os_pid: int
    console: Console


class Nursery:
    """Bears processes for mini CPUs (``cpus``: real CPU numbers). ``zero``: where the machine's clock began, in memory
    that processes share with it. Only a single-threaded process may own one: arming follows the forking thread."""

    def __init__(self, cpus: Sequence[int], folder: str, listeners: Listeners, zero: Sequence[int] = (0,)) -> None:
        self._folder = folder
        self._listeners = listeners
        self._zero = zero
        nice, descriptors = os.getpriority(os.PRIO_PROCESS, 0), resource.getrlimit(resource.RLIMIT_NOFILE)
        self._ways = Ways(cpus[0], nice, descriptors)
        self._overhead_ns = 0
        _raise_descriptor_limit()
        gc.collect()
        gc.freeze()  # forked children would copy every page that the collector touches
        self._overhead_ns = self._measure_overhead()

    def bear(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child:
        """A new process, stopped before its first own instruction. Raises BirthFailed."""
        return self.deliver(self.conceive(spec, order, folder))

    def bear_many(self, specs: Iterable[ProcessSpec]) -> Iterator[Child | BirthFailed]:
        """New processes in this order, or why one could not be started. While the first of them get ready on their
        CPU, the next are forked on ours."""
        unborn: deque[Unborn | BirthFailed] = deque()
        for order, spec in enumerate(specs):
            try:
                unborn.append(self.conceive(spec, order))
            except BirthFailed as failure:
                unborn.append(failure)
            if len(unborn) >= _AHEAD:
                yield self._outcome(unborn.popleft())
        while unborn:
            yield self._outcome(unborn.popleft())

    def _outcome(self, unborn: Unborn | BirthFailed) -> Child | BirthFailed:
        try:
            return unborn if isinstance(unborn, BirthFailed) else self.deliver(unborn)
        except BirthFailed as failure:
            return failure

    def conceive(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Unborn:
        """Fork; the child then arms itself and stops. Raises BirthFailed."""
        try:
            listener = self._listeners.take(spec.name) if spec.program in SERVERS else None
        except NotListening as failure:
            raise BirthFailed(failure.what) from failure
        body = self._body(spec, folder or self._folder)
        console = None
        try:
            console = Console()
            return Unborn(spec, order, self._fork(body, console.slave, spec, listener), console)
        except OSError as error:
            if console is not None:
                console.close()
            raise BirthFailed.by(error, spec.name) from error
        finally:
            if listener is not None:
                listener.close()

    def deliver(self, unborn: Unborn) -> Child:
        """Wait until it has stopped. Raises BirthFailed."""
        try:
            _wait_for_first_stop(unborn.os_pid)
            unborn.console.born()
            child = Child(unborn.os_pid, unborn.spec, unborn.order, console=unborn.console)
            if left_after(child) < _FOR_ADOPTION + _FOR_US:
                child.close()
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return child
        except OSError as error:
            _undo(unborn.os_pid)
            unborn.console.close()
            raise BirthFailed.by(error, unborn.spec.name) from error

    def _body(self, spec: ProcessSpec, folder: str) -> Body:
        """What it does once it is dispatched. Raises BirthFailed."""
        if spec.work is not None:
            return synthetic(spec, self._overhead_ns, self._zero)
        if spec.program != CLIENT:
            return running(spec, folder)
        address = self._listeners.find(spec.connect or "")
        if address is None:
            raise BirthFailed(Clause("nobody listens", {"name": spec.name, "at": spec.connect}))
        try:
            return talking(spec, resolve(address)[1])
        except OSError as error:
            raise BirthFailed.by(error, spec.name) from error

    def _fork(self, body: Body, slave: int, spec: ProcessSpec, listener: socket.socket | None) -> int:
        parent = os.getpid()
        os_pid = os.fork()
        if os_pid == 0:
            try:
                arm(parent, self._ways, spec, slave, listener)
                status = body()
            except BaseException:
                print_exception()
                status = 1
            finish(status)
        return os_pid

    def _measure_overhead(self) -> int:
        """The CPU time that a synthetic process costs here beyond its work: its start and its exit, in ns
        (median of three)."""
        probe = ProcessSpec("probe", work=[Segment("cpu", _PROBE_NS)])
        costs = []
        for _ in range(3):
            child = self.bear(probe)
            child.let_go()
            os.waitid(os.P_PID, child.os_pid, os.WEXITED | os.WNOWAIT)
            costs.append(child.cpu_ns() - _PROBE_NS)
            os.waitpid(child.os_pid, 0)
            child.close()
            if child.console is not None:
                child.console.close()
        return sorted(costs)[1]


def _wait_for_first_stop(os_pid: int) -> None:
    """Until the child has armed itself and stopped. Raises OSError if it died or takes far too long."""
    give_up_ns = time.monotonic_ns() + _PATIENCE_NS
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


def _undo(os_pid: int) -> None:
    """End what was forked for nothing."""
    try:
        os.kill(os_pid, signal.SIGKILL)  # its number is its own until we take its status
        os.waitpid(os_pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def _raise_descriptor_limit() -> None:
    """Every process costs some: as many as we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def left_after(child: Child) -> int:
    """How many descriptors are left, the newest being this child's (numbers are given out lowest first)."""
    return highest_descriptor() - child.stat_fd - 1


def crowded(child: Child) -> bool:
    """Whether this one, just adopted, is one too many."""
    return left_after(child) < _FOR_US
