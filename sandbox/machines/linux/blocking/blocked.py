"""Who waits, for what, and until when: from a block to the wake."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from sandbox.kernel.machine import Waits, Woke
from sandbox.machines.linux.blocking.block_reason import block_reason
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import read_state
from sandbox.machines.linux.reports import Outbox
from sandbox.model.events import Clause, Figure
from sandbox.util.units import MS, US

#: It waits for somebody to continue it, which its next turn does.
STOPPED = Clause("stopped itself")
#: Figures of a cause that are os_pids.
_RELATIVES = {"child", "peer"}
#: So long does it take to go back into a call, for all who do and for each of them; and so often do we look.
_RETURN_NS, _RETURN_EACH_NS, _LOOK_S = 3 * MS, 50 * US, 50e-6
#: A process that wakes and waits by turns, faster than anybody could stop it, is told of so often at most.
_TOLD_EVERY_NS = 20 * MS


class Waiting:
    """The blocked processes. ``known``: everybody by the system's pid; what happens goes into the outbox."""

    def __init__(self, known: Mapping[int, Child], out: Outbox) -> None:
        self._known = known
        self._out = out
        #: By pid.
        self.children: dict[int, Child] = {}
        #: Have begun to wait, and what for is still to be found out.
        self._unexplained: list[Child] = []

    def begin(self, child: Child, at_ns: int | None) -> None:
        """A process that had the CPU cannot run on, since ``at_ns`` if that is known. What for is found out once
        another one has the CPU."""
        child.mode = Mode.WAITING
        child.on = None
        child.waits += 1
        self.children[child.pid] = child
        self._unexplained.append(child)
        self._out.used[child.pid] = child.cpu_ns() if at_ns is None else child.used_by(at_ns)
        self._out.add(Waits(child.pid, None))

    def explain(self) -> Iterator[tuple[Child, Clause]]:
        """What those wait for that have begun to since the last time, and still do."""
        unexplained, self._unexplained = self._unexplained, []
        for child in unexplained:
            if child.mode is Mode.WAITING:
                child.wait_cpu_ns = child.cpu_ns()
                child.on = self._why(child, child.left_cpu_ns())
                yield child, child.on

    def begin_again(self, child: Child, now_ns: int) -> bool:
        """A process woke and waits again: whether that has been looked into."""
        if now_ns - child.told_ns < _TOLD_EVERY_NS:
            return False
        child.told_ns = now_ns
        child.wait_cpu_ns = child.cpu_ns()
        before, child.on = child.on, self._why(child, now_ns)
        child.waits += 1
        if before is None or _kind_of_wait(before) != _kind_of_wait(child.on):
            self._out.add(Waits(child.pid, child.on))
        return True

    def wake(self, child: Child) -> None:
        """A process can run again. One that stopped while it waited can do so as soon as we let it."""
        if self.children.pop(child.pid, None) is None:
            return  # a moment ago it woke already, and the kernel has not been told yet
        if child.on is not STOPPED and read_state(child.stat_fd)[0] == "T":
            self._out.fault_again(child, STOPPED.rule)
        self._out.add(Woke(child.pid))

    def _why(self, child: Child, since_ns: int) -> Clause:
        """What it waits for; a relative in it goes by its pid on the board and its name."""
        if read_state(child.stat_fd)[0] == "T":
            self._out.fault_again(child, STOPPED.rule)
            return STOPPED
        on = block_reason(child, self._out.now_ns() - since_ns, self._known.values())
        figures = dict(on.figures)
        for key in _RELATIVES & figures.keys():
            os_pid = figures.pop(key)
            relative = self._known.get(os_pid) if isinstance(os_pid, int) else None
            if relative is not None and relative.pid:
                figures["pid"], figures["name"] = relative.pid, relative.spec.name
        return Clause(on.rule, figures)

    # Pauses

    def hold(self) -> None:
        """They stand still, too."""
        for child in self.children.values():
            child.hold()

    def let_go(self) -> None:
        """The pause is over: they go on waiting. Whose call was broken off begins it anew, and needs the CPU for that;
        it is no wake, and nobody else has the CPU yet. Who is still awake after a moment really woke meanwhile."""
        children = [*self.children.values()]
        for child in children:
            child.let_go()
        give_up_ns = time.monotonic_ns() + _RETURN_NS + _RETURN_EACH_NS * len(children)
        while children and time.monotonic_ns() < give_up_ns:
            time.sleep(_LOOK_S)  # where there is a single real CPU, it is theirs as well
            children = [child for child in children if read_state(child.stat_fd)[0] == "R"]


def _kind_of_wait(on: Clause) -> tuple[str, dict[str, Figure]]:
    """What it is for, however long."""
    return on.rule, {name: figure for name, figure in on.figures.items() if name != "for_ns"}
