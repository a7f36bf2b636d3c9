"""Who could end a wait for a place in memory: a mutex knows its owner, Python programs say who has their locks, and
else all who share the place could."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.census import Census, Held, Says, Semaphore, Thread
from sandbox.machines.linux.blocking.futexes import futex, lends_priority, owners
from sandbox.machines.linux.blocking.said_threads import ThreadWait
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs_shared import SharedMapping

#: futex(2): nobody else has this place in memory.
_FUTEX_PRIVATE = 128
#: So far from the end of a thread's stack is a word of the function that waits.
_NEAR = 1_024
#: No thread has a higher number (PID_MAX_LIMIT).
_MAX_TID = 1 << 22


class FutexHolders:
    """``census``: what all have at this moment; ``says``: asks the programs themselves."""

    def __init__(self, census: Census, says: Says) -> None:
        self._census = census
        self._says = says

    def wait_for(self, child: Child, tid: int, entered: Entered) -> Held:
        """For whom a thread in a futex waits."""
        arguments = entered.arguments
        address, operation = arguments[0], arguments[1] & 0xFFFFFFFF
        if entered.stack <= address < entered.stack + _NEAR and (others := self._leading_to(tid)):
            return Held("mutex", (others,), [], "unknown", any=True)
        what = futex(child.os_pid, arguments, False)
        if what.rule == "join":
            other = int(what.figures["tid"] or 0)
            return Held(f"end of thread {other}", (frozenset({(child.os_pid, other)}),), [child.os_pid])
        if (lock := self._says.thread_wait(child, tid, self._census.threads(child))) is not None:
            return self._of_threads(child, lock)
        private = bool(operation & _FUTEX_PRIVATE)
        mapping = None if private else _mapping(self._census.mappings_of(child), address)
        if mapping is None:
            shared = [(child, address)]
        else:
            shared = [*self._sharers(mapping, mapping.offset + address - mapping.begin)]
        if what.rule == "mutex":
            owned = self._owned(f"mutex {address:x}", owners(child.os_pid, arguments), shared)
            if owned is not None:
                return owned
        everybody = frozenset().union(*(self._census.threads(other) for other, _ in shared))
        said = self._says(shared, self._census.threads) if mapping is not None else None
        if said is None:
            return Held(f"{what.rule} {address:x}", (everybody,), [], "unknown", any=True)
        return self._of_semaphore(said, everybody, (child.os_pid, tid))

    def _leading_to(self, tid: int) -> frozenset[Thread]:
        """Those who wait for this thread, or for such a one, at mutexes that lend priority. The system refuses such a
        mutex to who would close a circle of them; the C library has him wait for ever then, at a word of his own, and
        nobody knows for which of them."""
        owned: list[tuple[Thread, list[int]]] = []
        for other in self._census.children:
            for thread in self._census.threads(other):
                entered = entered_call(other, thread[1])
                if isinstance(entered, Entered) and entered.call == "futex" and lends_priority(entered.arguments):
                    owned.append((thread, owners(other.os_pid, entered.arguments)))
        found: set[Thread] = set()
        tids = {tid}
        while more := [thread for thread, by in owned if thread not in found and tids & {*by}]:
            found.update(more)
            tids.update(number for _, number in more)
        return frozenset(thread for thread in found if thread[1] != tid)

    def _of_semaphore(self, said: Semaphore, everybody: frozenset[Thread], waiter: Thread) -> Held:
        if said.holders is None:
            return Held(said.name, (everybody,), [], "unknown", any=True)
        holders = sorted({os_pid for group in said.holders for os_pid, _ in group})
        takers = frozenset().union(*said.holders)
        # Whoever has it gives it back, and anybody else may: a lock is a signal, too, that one takes for another one to
        # give. So may be what somebody waits for who has taken it himself, and what a parent has who awaits a child.
        if not said.is_lock or waiter in takers or any(map(self._awaits_child, takers)):
            by: Literal["said", "unknown"] = "said" if holders else "unknown"
            return Held(said.name, (everybody,), holders, by, any=True, taken=said.taken)
        return Held(said.name, (takers,), holders, "said", taken=said.taken)

    def _awaits_child(self, thread: Thread) -> bool:
        os_pid, tid = thread
        entered = entered_call(self._census.known[os_pid], tid) if os_pid in self._census.known else None
        return isinstance(entered, Entered) and entered.call in ("wait4", "waitid")

    def _of_threads(self, child: Child, lock: ThreadWait) -> Held:
        if lock.ended:
            return Held(lock.name, (frozenset(),), [], "said", taken=lock.taken)
        if lock.owner is None:
            return Held(lock.name, (self._census.threads(child),), [], "unknown", any=True)
        if lock.is_lock:
            return Held(lock.name, (frozenset({lock.owner}),), [child.os_pid], "said", taken=lock.taken)
        return Held(lock.name, (self._census.threads(child),), [child.os_pid], "said", any=True, taken=lock.taken)

    def _sharers(self, mapping: SharedMapping, at: int) -> Iterator[tuple[Child, int]]:
        """Who has this place in memory, and at which address."""
        for other in self._census.children:
            for each in self._census.mappings_of(other):
                if each.file == mapping.file and each.offset <= at < each.offset + each.end - each.begin:
                    yield other, each.begin + at - each.offset
                    break

    def _owned(self, name: str, tids: list[int], shared: Sequence[tuple[Child, int]]) -> Held | None:
        """A lock that one of these threads has, as it says: one of those who share it, or one that is no more; else it
        is no such lock."""
        for tid in tids:
            for other, _ in shared:
                if (other.os_pid, tid) in self._census.threads(other):
                    return Held(name, (frozenset({(other.os_pid, tid)}),), [other.os_pid])
        return Held(name, (frozenset(),), []) if len(tids) == 1 and _has_ended(tids[0]) else None


def _has_ended(tid: int) -> bool:
    """Whether this may have been a thread, and is none any more."""
    return 0 < tid <= _MAX_TID and (not procfs.has_thread(tid, tid) or procfs.zombie(tid) is not None)


def _mapping(mappings: Iterable[SharedMapping], address: int) -> SharedMapping | None:
    return next((each for each in mappings if each.begin <= address < each.end), None)
