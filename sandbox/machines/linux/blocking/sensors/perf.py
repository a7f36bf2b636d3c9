"""The best sensor: the system's own record of every switch tells at once which process left its CPU, when, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from sandbox.i18n import N_
from sandbox.machines.linux.blocking.sensors.base import Block, Observation, Sensor, SensorContext, SensorLost
from sandbox.machines.linux.perf_events import Ring, What
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.util.units import MS

#: So many records at once are a flood (threads that hand the CPU to and fro): then the rings wake us no more for a
#: while.
_FLOOD, _FLOOD_PAUSE_NS = 500, 2 * MS


class PerfSensor(Sensor):
    """Reads one ring a mini CPU."""

    name = "perf"
    tells_all = True
    #: Records tell of every block; this is for the case that one was missed.
    pause_ns = 100 * MS
    #: Records tell of every wake that leads to a run; looking finds a process that waits in the system's own run queue.
    round_ns = 5 * MS

    def __init__(self, context: SensorContext) -> None:
        super().__init__()
        if not context.cpus.dedicated:  # each switch of ours would be a record that wakes us, and lead to the next
            raise SensorLost(0, N_("the kernel process needs a CPU of its own for it"))
        self._clock = context.clock
        self._poller = context.poller
        self._known = context.table.by_os_pid
        self._rings: list[Ring] = []
        #: Whether a dispatch has left records behind that need not wake us.
        self._dispatched = False
        #: Until when the rings do not wake us (the machine's time); None: they do.
        self._muted_until_ns: int | None = None
        # Found in the records and not looked at yet: which processes had a CPU and could not run on (since when, by
        # CLOCK_MONOTONIC), which came onto one without having been dispatched; whether any were forked.
        self._left: dict[int, int] = {}
        self._came: set[int] = set()
        self._forked = False
        #: Living threads of a process beyond its first one. With a key here, even of 0, the record of one thread is no
        #: proof that the process is blocked.
        self._threads: Counter[int] = Counter()
        #: Whether records are missing: from then on none is a proof.
        self._lost = False
        try:
            for cpu in context.cpus.mini:
                self._rings.append(Ring(cpu))
        except OSError as error:
            self.close()
            raise SensorLost(error.errno, error.strerror or str(error)) from error
        for ring in self._rings:
            self._poller.add(ring.fileno(), None)

    def dispatched(self, child: Child, now_ns: int) -> None:
        super().dispatched(child, now_ns)
        self._dispatched = True

    def next_look_ns(self, now_ns: int, running: Collection[Child]) -> int | None:
        """The records of our last switch shall not wake us, unless they say what we do not know."""
        if self._dispatched:
            self._dispatched = False
            for ring in self._rings:
                ring.clear()
            self._read(now_ns)
            if self._left or self._came:
                return now_ns
        at_ns = super().next_look_ns(now_ns, running)
        if self._muted_until_ns is None:
            return at_ns
        return self._muted_until_ns if at_ns is None else min(at_ns, self._muted_until_ns)

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        seen = super().look(now_ns, running, last)
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
        """Those of which a thread left the CPU and could not run on. Of one with a single thread the record is the
        proof; of one with several it is not, nor of any once records were lost."""
        self._read(now_ns)
        if not self._left:
            return ()
        left, self._left = self._left, {}
        return [self._block(child, left[child.os_pid]) for child in running if child.os_pid in left]

    def forked(self, now_ns: int) -> bool:
        self._read(now_ns)
        forked, self._forked = self._forked, False
        return forked

    def _block(self, child: Child, t_ns: int) -> Block:
        at_ns = self._clock.machine_ns(t_ns)
        sure = at_ns > child.started_ns and child.os_pid not in self._threads and not self._lost
        return Block(child, at_ns if sure else None)

    def _read(self, now_ns: int) -> None:
        """Note what the records say."""
        for ring in self._rings:
            records = ring.read()
            for what, os_pid, thread, t_ns in records:
                child = self._known.get(os_pid)
                running = child is not None and child.mode is Mode.RUNNING
                if what == "left":
                    if running:
                        self._left[os_pid] = t_ns
                elif what == "on":
                    if not running:
                        self._came.add(os_pid)
                    elif thread == os_pid:
                        self._left.pop(os_pid, None)
                elif what != "preempted":
                    self._note_rare(what, os_pid, thread, t_ns)
            if len(records) >= _FLOOD or self._muted_until_ns is not None:
                self._limit_flood(now_ns)

    def _note_rare(self, what: What, os_pid: int, thread: int, t_ns: int) -> None:
        """Forks and ends, and that records were lost. When its first thread ends, a process ends too, or goes on
        without: its state tells."""
        if what == "forked":
            del self._threads[os_pid]
            self._forked = True
        elif what == "thread":
            self._threads[os_pid] += 1
        elif what == "lost":
            self._lost = self._forked = True
            self._left |= dict.fromkeys(self._known, 0)
            self._came |= self._known.keys()
        elif thread == os_pid:
            self._left[os_pid] = t_ns
            self._threads[os_pid] += 0
        else:
            self._left[os_pid] = t_ns
            self._threads[os_pid] -= 1
            if not self._threads[os_pid]:
                del self._threads[os_pid]

    def _limit_flood(self, now_ns: int) -> None:
        """Have the rings wake us no more, or again."""
        if self._muted_until_ns is None:
            self._muted_until_ns = now_ns + _FLOOD_PAUSE_NS
            for ring in self._rings:
                self._poller.mute(ring.fileno())
        elif now_ns >= self._muted_until_ns:
            self._muted_until_ns = None
            for ring in self._rings:
                self._poller.unmute(ring.fileno())

    def close(self) -> None:
        for ring in self._rings:
            self._poller.remove(ring.fileno())
            ring.close()
        self._rings.clear()
