"""Who holds what lies in memory, a mutex or a semaphore, for which a thread waits in futex(2)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.census import Census, Held, Semaphore, Thread
from sandbox.machines.linux.blocking.futexes import futex
from sandbox.machines.linux.blocking.said_threads import ThreadWait
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs_shared import SharedMapping

#: futex(2): operations without their flags, and in a word the tid of the owner.
_FUTEX_PRIVATE, _FUTEX_FLAGS, _FUTEX_LOCKS_PI, _FUTEX_TID = 128, 0x180, (6, 13), 0x3FFFFFFF
#: Where a pthread_mutex_t keeps the tid of its owner.
_OWNER_AT = 8


def futex_holders(census: Census, child: Child, tid: int, arguments: list[int]) -> Held | None:
    """Whoever could let it go on; None: it can by itself."""
    address, operation = arguments[0], arguments[1] & 0xFFFFFFFF
    what = futex(child.os_pid, arguments, False)
    if what.rule == "join":
        other = int(what.figures["tid"] or 0)
        return Held(f"end of thread {other}", (frozenset({(child.os_pid, other)}),), [child.os_pid])
    if (lock := census.says.thread_wait(child, tid, census.threads(child))) is not None:
        return _of_threads(census, child, lock)
    private = bool(operation & _FUTEX_PRIVATE)
    mapping = None if private else _mapping(census.mappings_of(child), address)
    if mapping is None:
        shared = [(child, address)]
    else:
        shared = [*_sharers(census, mapping, mapping.offset + address - mapping.begin)]
    if what.rule == "mutex" and (owner := _owner(census, child, arguments, shared)) is not None:
        return Held(f"mutex {address:x}", (frozenset({owner}),), [owner[0]])
    everybody = frozenset().union(*(census.threads(other) for other, _ in shared))
    said = census.says(shared, census.threads) if mapping is not None else None
    if said is None:
        return Held(f"{what.rule} {address:x}", (everybody,), [], "unknown", any=True)
    return _of_semaphore(census, said, everybody, (child.os_pid, tid))


def _of_semaphore(census: Census, said: Semaphore, everybody: frozenset[Thread], waiter: Thread) -> Held:
    if said.holders is None:
        return Held(said.name, (everybody,), [], "unknown", any=True)
    holders = sorted({os_pid for group in said.holders for os_pid, _ in group})
    takers = frozenset().union(*said.holders)
    # Whoever has it gives it back, and anybody else may: a lock is a signal, too, that one takes for another one to
    # give. So may be what somebody waits for that has taken it itself, and what a parent has that awaits a child.
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
    """Who has this place in memory, and at which address."""
    for other in census.children:
        for each in census.mappings_of(other):
            if each.file == mapping.file and each.offset <= at < each.offset + each.end - each.begin:
                yield other, each.begin + at - each.offset
                break


def _owner(census: Census, child: Child, arguments: list[int], shared: Iterable[tuple[Child, int]]) -> Thread | None:
    """The thread that a mutex says it belongs to: one of those that share it, else it is no mutex."""
    address, operation, value = arguments[0], arguments[1] & ~_FUTEX_FLAGS, arguments[2] & 0xFFFFFFFF
    memory = procfs.read_memory(child.os_pid, address, _OWNER_AT + 4)
    if len(memory) < _OWNER_AT + 4:
        return None
    word, _, owner = struct.unpack("=III", memory)
    if not word:
        return None  # it has just been let go
    tid = word & _FUTEX_TID if operation in _FUTEX_LOCKS_PI or value > _FUTEX_TID else owner
    return next(((other.os_pid, tid) for other, _ in shared if (other.os_pid, tid) in census.threads(other)), None)


def _mapping(mappings: Iterable[SharedMapping], address: int) -> SharedMapping | None:
    return next((each for each in mappings if each.begin <= address < each.end), None)
