"""Finds the holders of mutexes, semaphores and the like in memory, for which a thread waits in futex(2)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Iterable, Iterator
from typing import Literal

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.census import Census, Held, Semaphore, Thread
from sandbox.machines.linux.blocking.futexes import futex, lends_priority, owners
from sandbox.machines.linux.blocking.said_threads import ThreadWait
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs_shared import SharedMapping

#: futex(2): the place in memory is not shared with other processes.
_FUTEX_PRIVATE = 128
#: A word this close to the end of a thread's stack belongs to the function that waits.
_NEAR = 1_024
#: No thread has a higher number (PID_MAX_LIMIT).
_MAX_TID = 1 << 22


def futex_holders(census: Census, child: Child, tid: int, entered: Entered) -> Held | None:
    """Return who can end a wait in futex(2); None if it is ending."""
    arguments = entered.arguments
    address, operation = arguments[0], arguments[1] & 0xFFFFFFFF
    if entered.stack <= address < entered.stack + _NEAR and (others := _leading_to(census, tid)):
        return Held("mutex", (others,), [], "unknown", any=True)
    what = futex(child.os_pid, arguments, False)
    if what.rule == "join":
        other = int(what.figures["tid"] or 0)
        return Held(f"end of thread {other}", (frozenset({(child.os_pid, other)}),), [child.os_pid])
    if (lock := census.says.thread_wait(child, tid, census.threads(child))) is not None:
        has_it = procfs.read_memory(child.os_pid, address, 4) != (arguments[2] & 0xFFFFFFFF).to_bytes(4, "little")
        return None if has_it else _of_threads(census, child, lock)  # otherwise it was released
    private = bool(operation & _FUTEX_PRIVATE)
    mapping = None if private else _mapping(census.mappings_of(child), address)
    if mapping is None:
        shared = [(child, address)]
    else:
        shared = [*_sharers(census, mapping, mapping.offset + address - mapping.begin)]
    if what.rule == "mutex":
        owned = _owned(census, f"mutex {address:x}", owners(child.os_pid, arguments), shared)
        if owned is not None:
            return owned
    everybody = frozenset().union(*(census.threads(other) for other, _ in shared))
    said = census.says(shared, census.threads) if mapping is not None else None
    if said is None:
        return Held(f"{what.rule} {address:x}", (everybody,), [], "unknown", any=True)
    return _of_semaphore(census, said, everybody, (child.os_pid, tid))


def by_turns(census: Census, child: Child, tid: int) -> Held | None:
    """Return a polling wait, with time-outs, as reported by the program: between them the thread only checks whether it
    was told to stop. Only another thread of the process ends it."""
    wait = census.says.waits_by_turns(child, tid, census.threads(child))
    return None if wait is None else Held(wait.name, (census.threads(child),), [], "unknown", True, by_turns=True)


def _of_semaphore(census: Census, said: Semaphore, everybody: frozenset[Thread], waiter: Thread) -> Held:
    if said.holders is None:
        return Held(said.name, (everybody,), [], "unknown", any=True)
    holders = sorted({os_pid for group in said.holders for os_pid, _ in group})
    takers = frozenset().union(*said.holders)
    # A holder releases it, but others may do so, too: locks are also used as signals, taken in order to be released by
    # another thread. That may be the case if the waiting thread has taken it itself, or if a holder waits for a child.
    if not said.is_lock or waiter in takers or any(_awaits_child(census, taker) for taker in takers):
        by: Literal["said", "unknown"] = "said" if holders else "unknown"
        return Held(said.name, (everybody,), holders, by, any=True, taken=said.taken)
    return Held(said.name, (takers,), holders, "said", taken=said.taken)


def _awaits_child(census: Census, thread: Thread) -> bool:
    os_pid, tid = thread
    entered = entered_call(census.known[os_pid], tid) if os_pid in census.known else None
    return isinstance(entered, Entered) and entered.call in ("wait4", "waitid")


def _of_threads(census: Census, child: Child, lock: ThreadWait) -> Held:
    if lock.ended:
        return Held(lock.name, (frozenset(),), [], "said", taken=lock.taken)
    if lock.owner is None:
        return Held(lock.name, (census.threads(child),), [], "unknown", any=True)
    if lock.is_lock:
        return Held(lock.name, (frozenset({lock.owner}),), [child.os_pid], "said", taken=lock.taken)
    return Held(lock.name, (census.threads(child),), [child.os_pid], "said", any=True, taken=lock.taken)


def _sharers(census: Census, mapping: SharedMapping, at: int) -> Iterator[tuple[Child, int]]:
    """Yield the processes that share this place in memory, each with the address there."""
    for other in census.children:
        for each in census.mappings_of(other):
            if each.file == mapping.file and each.offset <= at < each.offset + each.end - each.begin:
                yield other, each.begin + at - each.offset
                break


def _owned(census: Census, name: str, tids: list[int], shared: Iterable[tuple[Child, int]]) -> Held | None:
    """Return the owner of a lock, given the possible tids: a thread of the processes that share it, or one that has
    ended. None if there is none, so that it is no such lock."""
    for other, _ in shared:
        for tid in tids:
            if (other.os_pid, tid) in census.threads(other):
                return Held(name, (frozenset({(other.os_pid, tid)}),), [other.os_pid])
    return Held(name, (frozenset(),), []) if len(tids) == 1 and _has_ended(tids[0]) else None


def _has_ended(tid: int) -> bool:
    """Whether this number may have been a thread that has ended."""
    return 0 < tid <= _MAX_TID and (not procfs.has_thread(tid, tid) or procfs.zombie(tid) is not None)


def _leading_to(census: Census, tid: int) -> frozenset[Thread]:
    """Return the threads that wait for this thread, directly or indirectly, at mutexes with priority inheritance. The
    system refuses such a lock to a thread that would close a cycle, and then the C library makes it wait for ever at a
    word of its own, so that the lock is unknown."""
    owned: list[tuple[Thread, list[int]]] = []
    for other in census.children:
        for thread in census.threads(other):
            entered = entered_call(other, thread[1])
            if isinstance(entered, Entered) and entered.call == "futex" and lends_priority(entered.arguments):
                owned.append((thread, owners(other.os_pid, entered.arguments)))
    found: set[Thread] = set()
    tids = {tid}
    while more := [thread for thread, by in owned if thread not in found and tids & {*by}]:
        found.update(more)
        tids.update(number for _, number in more)
    return frozenset(thread for thread in found if thread[1] != tid)


def _mapping(mappings: Iterable[SharedMapping], address: int) -> SharedMapping | None:
    return next((each for each in mappings if each.begin <= address < each.end), None)
