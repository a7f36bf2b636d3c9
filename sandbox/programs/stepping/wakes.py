"""Makes a thread that has waited for a lock of a library wait once more, until the machine lets it go on.

A line may wake several threads at once, e.g. by ``notify_all``. Which of them gets to the next lock first would be up
to the system, and differ from run to run. So they go on one by one, in the order in which they began to wait.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _thread
import types

from sandbox.util import interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Stepper(Protocol):
        """The stepper of a thread, which is told that the thread is about to wait within its line, and that it has
        waited."""

        def block(self) -> None: ...
        def wake(self) -> None: ...


class _Of:
    """``here``: returns the stepper of the calling thread, or None."""

    here: Callable[[], Stepper | None] | None = None


def follow_threads(here: Callable[[], Stepper | None]) -> None:
    """Follow threads that wait within ``threading``: for a condition variable, or an object that contains one."""
    _Of.here = here
    interpreter.use_locks(Waiter)


def follow_processes() -> None:
    """Follow processes that wait within ``multiprocessing``."""
    from multiprocessing import synchronize

    interpreter.follow_semaphores(synchronize.SemLock, lambda semaphore: types.MethodType(_acquire, semaphore))


def _here() -> Stepper | None:
    """Return the stepper of the calling thread, if it has one."""
    return _Of.here() if _Of.here is not None else None


def _acquire(semaphore: Any, block: bool = True, timeout: float | None = None) -> bool:
    """Acquire a semaphore, in place of its own method."""
    if semaphore.acquire(False):
        return True
    if not block:
        return False
    stepper = _here()
    if stepper is None:
        return bool(semaphore.acquire(True, timeout))
    stepper.block()
    try:
        return bool(semaphore.acquire(True, timeout))
    finally:
        stepper.wake()


class Waiter:
    """A lock with which a thread waits for a condition variable."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._lock.acquire(False):
            return True
        if not blocking:
            return False
        stepper = _here()
        if stepper is None:
            return self._lock.acquire(True, timeout)
        stepper.block()
        try:
            return self._lock.acquire(True, timeout)
        finally:
            stepper.wake()

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return self._lock.locked()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _at_fork_reinit(self) -> None:
        interpreter.renew_lock(self._lock)
