"""The recipe in force: whether processes are stopped by signals or frozen, and what to do about those that notice
signals.

Signals are the default, because they work everywhere and are what the lessons teach. But some processes notice them:
shells with job control, debuggers, any process that waits for stopped children, processes that handle SIGCONT or block
it to wait for it, and parents that do so with SIGCHLD. So ``auto`` begins with signals, unless a program of the
scenario is known to watch for stops. It switches to the freezer, if available, as soon as a process handles SIGCONT, or
a scheduled process forks, because then processes that we stop have parents that we do not know.
"""

from __future__ import annotations

import signal
import sys

assert sys.platform == "linux"

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress

from sandbox.kernel.machine import Told
from sandbox.machines.linux.cgroup import RunGroup
from sandbox.machines.linux.process.child import Child, Mode, Relative, lineage
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.procfs import hears
from sandbox.machines.linux.switching.freezer import Freezer
from sandbox.machines.linux.switching.watchers import is_watched, takes_for_end, waits_for_stops, watches
from sandbox.machines.reports import Reports
from sandbox.model.events import Clause, Recipe
from sandbox.model.rules import FOR_CHILD
from sandbox.model.spec import SERVERS, ProcessSpec

#: How many processes are moved to leaves at once while others are scheduled, and the pause until the next are.
_SHARE, _PAUSE_NS = 4, 2_000_000
#: Handlers of SIGCONT are looked for before each of the first _FIRST_STOPS stops of a process, then before every
#: 2^n-th.
_FIRST_STOPS = 64


def switching_order(wanted: str, dedicated: bool) -> str:
    """Return in which order one process is stopped and the next continued: as ``wanted``, or else the best order
    here."""
    return wanted if wanted in ("overlapped", "sequential") else "overlapped" if dedicated else "sequential"


class RecipeInForce:
    """Decides between signals and the freezer.

    ``wanted``: auto or the name of a recipe; ``order``: overlapped or sequential; ``run``: the control group for the
    freezer (None: there is none, because of ``obstacle``).
    """

    def __init__(
        self, wanted: str, order: str, run: RunGroup | None, obstacle: str, table: ProcessTable, reports: Reports
    ) -> None:
        self._order = order
        self._run = run if wanted in ("auto", "freezer") else None
        self._table = table
        self._reports = reports
        self._freezer: Freezer | None = None
        #: Processes that are still to be moved to leaves.
        self._signalled: deque[Child] = deque()
        #: The names of programs that were reported to notice our stops.
        self._told: set[str] = set()
        #: The os_pids of processes that have forked.
        self._parents: set[int] = set()
        self._obstacle = obstacle
        if wanted == "freezer" and not self._freeze():
            reports.fault(None, "freezer cannot be had", reason=self._obstacle, next=order)

    @property
    def name(self) -> str:
        return self._order if self._freezer is None else "freezer"

    # Processes that may notice signals

    def expect(self, specs: Iterable[ProcessSpec]) -> None:
        """Look at programs that will be started."""
        for spec in specs:
            if spec.command is not None and (what := watches(spec.command)) is not None:
                self._notice(spec.name, what)

    def look_at(self, child: Child) -> None:
        """Look at a process that has executed another program, which has its own handlers."""
        child.stops = 0
        if self._freezer is not None:
            return
        what = watches((child.spec.command or [child.spec.name])[0].split())
        if what is not None:
            self._notice(child.spec.name, what, child)
        self._look_at_shell_of(child)

    def _look_at_shell_of(self, child: Child) -> None:
        """Report the parent, if it is a shell that will notice that the process is stopped."""
        parent = child.parent
        if isinstance(parent, Child) and is_watched(child.os_pid, parent.os_pid):
            self._notice(parent.spec.name, "watches its jobs", parent)

    def is_told_of(self, child: Child) -> bool:
        """Return whether the process descends from one that was reported to notice our stops. For instance, sudo and
        script continue a stopped child as soon as they notice it, even before we notice that they woke."""
        return any(each.spec.name in self._told for each in lineage(child.parent))

    def traced(self, child: Child, by: int) -> None:
        """Note that a process is traced by another one, with the os_pid ``by``, which notices our stops."""
        tracer = self._table.by_os_pid.get(by)
        self._notice((tracer or child).spec.name, "traces others" if tracer is not None else "is traced", child)

    def look_at_wait(self, child: Child, on: Clause) -> None:
        """Look at a process that has blocked: it may wait for children that stop."""
        if self._freezer is None and on.rule == FOR_CHILD and waits_for_stops(child.os_pid):
            self._notice(child.spec.name, "watches its jobs", child)

    def look_at_handlers(self, stops: Sequence[Child]) -> None:
        """Look for handlers of SIGCONT in processes that are about to be stopped, and will be continued later."""
        if self._freezer is not None:
            if self._signalled:
                for child in stops:  # while it runs: after a stop by signal it would get SIGCONT
                    self._take(child)
            return
        for child in stops:
            if child.spec.work is not None or child.spec.program is not None:  # a program of ours
                continue
            child.stops += 1
            seldom = child.stops & (child.stops - 1) == 0
            if child.stops <= _FIRST_STOPS or seldom:
                self._look_at_handler(child)
            if seldom:
                self._look_at_parent_of(child)

    def _look_at_handler(self, child: Child) -> None:
        with suppress(OSError):  # it has ended
            handles, blocks = hears(child.os_pid, signal.SIGCONT)
            if handles or blocks:
                self._notice(child.spec.name, "handles SIGCONT" if handles else "waits for SIGCONT", child)
                self._take(child)

    def _look_at_parent_of(self, child: Child) -> None:
        """Report the parent, if it may be told by SIGCHLD that the process is stopped. Functions like ``system`` block
        this signal while they start a child and wait for it, so a parent that blocks it counts only while it waits for
        something else."""
        parent = child.parent
        if not isinstance(parent, Child) or parent.mode is Mode.ENDED or _is_served(parent):
            return
        with suppress(OSError):  # it has ended
            handles, blocks = takes_for_end(parent.os_pid)
            if handles:
                self._notice(parent.spec.name, "handles SIGCHLD", parent)
            elif blocks and _waits_for_another(parent):
                self._notice(parent.spec.name, "waits for SIGCHLD", parent)

    def _notice(self, name: str, what: str, child: Child | None = None) -> None:
        """Use the freezer, because a program would notice signals, or report it once if there is no freezer. What a
        reported program starts is not reported again, unless it traces others."""
        if self._freezer is not None or self._freeze(Clause(what, {"name": name})):
            return
        within = {name, *(each.spec.name for each in lineage(child))}
        if name not in self._told and (what == "traces others" or not within & self._told):
            self._told.add(name)
            self._reports.fault(child, what, name=name)

    def _freeze(self, why: Clause | None = None) -> bool:
        """Switch to the freezer. Return False if it is not available."""
        if self._run is None:
            return False
        try:
            self._freezer = Freezer(self._run)
        except OSError as error:
            self._run, self._obstacle = None, error.strerror or str(error)
            return False
        self._table.helpers.add(self._freezer.helper)
        self._signalled.extend(self._table.by_os_pid.values())
        if why is not None:
            self._reports.add(Told(Recipe(self._reports.now_ns(), self.name, why)))
        return True

    # Processes come and go

    def born(self, child: Child) -> None:
        """Note that we have forked a process, which is stopped."""
        self._take(child)

    def found(self, child: Child) -> None:
        """Note that a descendant was found. It is to stand still if its parent is and both are still in the same
        leaf."""
        parent = child.parent
        if parent is not None:
            child.limits = parent.limits
            if isinstance(parent, Child):
                child.stop_wanted = parent.stop_wanted and not parent.spared and parent.leaf is not None
            if self._freezer is None and not _is_served(parent):
                self._freeze(Clause("starts others", {"name": parent.spec.name}))
        if self._freezer is None:
            self._look_at_shell_of(child)
            if parent is not None and parent.os_pid not in self._parents:
                self._parents.add(parent.os_pid)
                self._look_at_parent_of(child)
        self._take(child)

    def moved(self, child: Child) -> None:
        """Note that a process was moved to another control group by someone else. From now on it is stopped by
        signals."""
        if self._freezer is not None:
            self._freezer.give_back(child)
            self._reports.fault(child, "was moved")

    def ended(self, child: Child) -> None:
        self._parents.discard(child.os_pid)
        if self._freezer is not None:
            self._freezer.give_back(child)

    def _take(self, child: Child) -> None:
        if self._freezer is None or child.leaf is not None or child.mode is Mode.ENDED:
            return
        try:
            self._freezer.take(child)
        except ProcessLookupError:
            pass  # it has ended
        except OSError as error:
            self._reports.fault(child, "cannot be frozen", reason=error.strerror)

    # Chores

    @property
    def pause_ns(self) -> int | None:
        """How long until there is something to do again; None if there is nothing to do."""
        return _PAUSE_NS if self._signalled else None

    def check(self) -> None:
        """Move some more processes to leaves, and keep leaves ready."""
        if self._freezer is None:
            return
        for _ in range(min(_SHARE, len(self._signalled))):
            self._take(self._signalled.popleft())
        with suppress(OSError):  # e.g. no descriptors left: a leaf is made when needed, and errors reported then
            self._freezer.refill()

    def close(self) -> None:
        if self._freezer is not None:
            self._freezer.close()


def _waits_for_another(child: Child) -> bool:
    """Whether it waits, but not for a child to end."""
    return child.mode is Mode.BLOCKED and child.blocked_on is not None and child.blocked_on.rule != FOR_CHILD


def _is_served(child: Relative | None) -> bool:
    """Whether this process is one of our servers or descends from one. Those do not watch for stops of their
    children."""
    return any(relative.spec.program in SERVERS for relative in lineage(child))
