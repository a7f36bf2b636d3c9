"""The best sensor: the system's records of all switches tell at once which process left its CPU, when, and why."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.i18n import N_
from sandbox.machines.linux.blocking.sensors.base import Block, Observation, Sensor, SensorContext, SensorLost
from sandbox.machines.linux.paced_ring import PacedRing
from sandbox.machines.linux.perf_events import Record
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.lineage import Lineage
from sandbox.util.units import MS, US

#: Records are counted in windows of _WINDOW_NS. After more than _MANY in one, records do not wake us singly (20,000 per
#: second cost the programs some 3 % of their CPU); after fewer than _FEW they do again.
_WINDOW_NS = 20 * MS
_MANY, _FEW = 400, 100
#: The minimum time without single wakes, because the change affects each thread, which takes some microseconds each.
_CALM_NS = 100 * MS
#: A wait that is at least so long is reported although it is over when we read of it, because we were late.
_LONG_NS = 500 * US
#: The interval of reading records while they do not wake us.
_FETCH_NS = 500 * US


class PerfSensor(Sensor):
    """Reads one ring of records per mini CPU."""

    name = "perf"
    tells_all = True
    #: Records tell of every block; this is in case that one was missed.
    pause_ns = 100 * MS
    #: Records tell of every wake that leads to a run; a look finds a process that waits in the system's own run queue.
    round_ns = 5 * MS

    def __init__(self, context: SensorContext) -> None:
        super().__init__()
        if not context.cpus.dedicated:  # each switch of ours would be a record that wakes us, and lead to the next
            raise SensorLost(0, N_("the kernel process needs a CPU of its own for it"))
        self._clock = context.clock
        self._poller = context.poller
        self._known = context.table.by_os_pid
        self._rings: list[PacedRing] = []
        #: Whether a dispatch has caused records that need not wake us.
        self._dispatched = False
        #: When the window began in which records are counted (machine time), and how many have come in it.
        self._window_ns = 0
        self._records = 0
        #: When to read the records that do not wake us.
        self._fetch_ns: int | None = None
        # Found in the records and not processed yet: processes that had a CPU and could not run on (since when, by
        # CLOCK_MONOTONIC), and processes that came onto one without a dispatch.
        self._left: dict[int, int] = {}
        self._came: set[int] = set()
        #: Those of the first that are back already, from a long wait.
        self._back: set[int] = set()
        self.lineage: Lineage = Lineage(len(context.cpus.mini))
        try:
            for cpu in context.cpus.mini:
                self._rings.append(PacedRing(cpu))
        except OSError as error:
            self.close()
            raise SensorLost(error.errno, error.strerror or str(error)) from error
        for ring in self._rings:
            for descriptor in ring.filenos():
                self._poller.add(descriptor, None)

    def dispatched(self, child: Child, now_ns: int) -> None:
        super().dispatched(child, now_ns)
        self._dispatched = True

    def next_look_ns(self, now_ns: int, running: Collection[Child]) -> int | None:
        """Return when to look. The records of our last switch are read first, so that they do not wake us, unless they
        contain news."""
        if self._dispatched:
            self._dispatched = False
            for ring in self._rings:
                ring.clear()
            self._read(now_ns)
            if self._left or self._came:
                return now_ns
        at_ns = super().next_look_ns(now_ns, running)
        if self._fetch_ns is None:
            return at_ns
        return self._fetch_ns if at_ns is None else min(at_ns, self._fetch_ns)

    def has_news(self) -> bool:
        """Whether there are unread records."""
        return any(ring.unread for ring in self._rings)

    def sees_nothing(self, now_ns: int, last: bool) -> bool:
        """Whether there are no news in the records, and no look is due."""
        self._read(now_ns)
        lineage = self.lineage
        if self._left or self._came or lineage.has_news or not lineage.whole or now_ns >= self._next_ns:
            return False
        wakeup_ns = self._wakeups.next_ns
        return wakeup_ns is None or now_ns < wakeup_ns

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        seen = super().look(now_ns, running, last)
        if self._back:
            seen.woke.extend(block.child for block in seen.blocked if block.child.os_pid in self._back)
            self._back.clear()
        if not self._came:
            return seen
        came = [self._known[os_pid] for os_pid in self._came if os_pid in self._known]
        self._came.clear()
        waited = [child for child in came if child.mode is Mode.BLOCKED]
        woke = [child for child in waited if not self.is_blocked(child)]
        again = [child for child in waited if child not in woke and child not in seen.woke]
        runaways = [child for child in came if child.mode is Mode.STOPPED]
        return Observation(
            seen.blocked, [*dict.fromkeys(seen.woke + woke)], [*dict.fromkeys(seen.again + again)], runaways
        )

    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Return the processes of which a thread left the CPU and could not run on. For a process with a single thread
        the record is a proof. It is not for one with several threads, nor after records were lost."""
        self._read(now_ns)
        if not self._left:
            return ()
        left, self._left = self._left, {}
        return [self._block(child, left[child.os_pid]) for child in running if child.os_pid in left]

    def forked(self, now_ns: int) -> bool:
        """Whether to look for processes of which no record tells."""
        return not self.lineage.whole and super().forked(now_ns)

    def read(self) -> None:
        self._read(self._clock.now_ns())

    def _block(self, child: Child, t_ns: int) -> Block:
        at_ns = self._clock.machine_ns(t_ns)
        sure = at_ns > child.started_ns and self.lineage.is_proof(child.os_pid) and self.lineage.whole
        return Block(child, at_ns if sure else None)

    def _read(self, now_ns: int) -> None:
        """Process the unread records."""
        lineage = self.lineage
        for cpu, ring in enumerate(self._rings):
            if not ring.unread:
                continue
            records = ring.read()
            self._records += len(records)
            for record in records:
                what, os_pid, thread, t_ns, _, _ = record
                if what == "on":
                    lineage.came_on(cpu, thread, t_ns)
                    child = self._known.get(os_pid)
                    if child is None or child.mode is not Mode.RUNNING:
                        self._came.add(os_pid)
                    elif os_pid in self._left:
                        self._note_back(os_pid, t_ns)
                elif what == "left":
                    lineage.went_off(os_pid, thread, t_ns)
                    child = self._known.get(os_pid)
                    if child is not None and child.mode is Mode.RUNNING:
                        self._left[os_pid] = t_ns
                        self._back.discard(os_pid)
                elif what == "preempted":
                    lineage.went_off(os_pid, thread, t_ns)
                else:
                    self._note_rare(cpu, record)
        if now_ns - self._window_ns >= _WINDOW_NS or self._fetch_ns is not None:
            self._set_pace(now_ns)

    def _note_back(self, os_pid: int, t_ns: int) -> None:
        """Note that a process is back on its CPU. It has waited, or left the CPU to another thread of its own."""
        if t_ns - self._left[os_pid] >= _LONG_NS and self.lineage.is_proof(os_pid):
            self._back.add(os_pid)
        else:
            del self._left[os_pid]

    def _note_rare(self, cpu: int, record: Record) -> None:
        """Process a record of a fork, exec or end, or of lost records. When its first thread ends, a process may go on
        without it, so its state is checked."""
        what, os_pid, thread, t_ns, parent, name = record
        match what:
            case "forked":
                self.lineage.forked(os_pid, parent, t_ns)
            case "thread":
                self.lineage.began_thread(os_pid)
            case "became":
                self.lineage.became(os_pid, name)
            case "named":
                self.lineage.named(os_pid, thread, name)
            case "ended":
                self.lineage.ended(cpu, os_pid, thread, t_ns)
                self._left[os_pid] = 0  # no proof: the process has ended, or goes on with other threads
            case "lost":
                self.lineage.lost()
                self._left |= dict.fromkeys(self._known, 0)
                self._came |= self._known.keys()

    def _set_pace(self, now_ns: int) -> None:
        """Decide whether records wake us singly from now on. If there are many, that would take CPU time from the
        programs."""
        hurries, lasted_ns = self._fetch_ns is None, now_ns - self._window_ns
        if lasted_ns >= (_WINDOW_NS if hurries else _CALM_NS):
            hurries = self._records * _WINDOW_NS < (_MANY if hurries else _FEW) * lasted_ns
            self._window_ns, self._records = now_ns, 0
            for ring in self._rings:
                ring.hurry(hurries)
        self._fetch_ns = None if hurries else now_ns + _FETCH_NS

    def close(self) -> None:
        for ring in self._rings:
            for descriptor in ring.filenos():
                self._poller.remove(descriptor)
            ring.close()
        self._rings.clear()
