"""Announces the owners of ``threading`` locks (see ``lock_names``).

A native lock does not tell its owner, so each one is wrapped. The wrapper takes the lock by the same calls, and then
writes the owner to memory that other processes read. If a thread has to wait, it announces for which lock, and that
lock's name. A release calls the native method directly.
"""

import _thread
import os
import sys
from _operator import attrgetter, methodcaller
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.programs.lock_names import Notes, Place, _is_standard, _place, _private

#: The layout of the table, in words of 8 bytes. The first one is MARK. Then, for each thread, its ident and the entry
#: of the lock that it waits for; for each lock that a thread has waited for, the owner, and the line where it was
#: taken. The last word is a dummy that is not read.
MAX_THREADS, MAX_LOCKS, MARK = 512, 2_048, 0x6C6F636B73206F66
LOCKS_AT = 1 + 2 * MAX_THREADS
#: A flag of an owner: the lock was not taken by ``with``, so that another thread may release it.
BARE = 1
#: The most files that get numbers, and the position of a file's number in a word, above the line.
_MAX_FILES, FILE_AT = 200, 32

_TABLE = bytearray(8 * (LOCKS_AT + 2 * MAX_LOCKS + 1))
_WORDS = memoryview(_TABLE).cast("Q")
_WORDS[0] = MARK
_NOWHERE = len(_WORDS) - 1
_identify, _frame, _OURS = _thread.get_ident, sys._getframe, globals()
_allocate: "Any" = getattr(_thread.allocate_lock, "_native", _thread.allocate_lock)


class _Call(property):
    """A method that calls the native object directly, so that tracebacks have no frame of ours."""

    fget: "Any"

    def __call__(self, lock: "Any", *arguments: object) -> object:
        return self.fget(lock)(*arguments)


class _Kind(type):
    """Lets ``isinstance`` treat wrapper and native lock as the same class."""

    def __instancecheck__(cls, thing: object) -> bool:
        return type.__instancecheck__(cls, thing) or type(thing) is _Lock.native


def _release_of(lock: "_Lock") -> object:
    """Return the native ``release``. A lock that is released by another thread than its owner is used as a signal,
    which has no owner from then on."""
    if lock._owner and (lock._owner ^ _identify()) & ~BARE and lock._native.locked():
        lock._owner, lock._is_signal = 0, True
        if lock._entry:
            _WORDS[lock._entry] = 0
    return lock._native.release


class _Lock(metaclass=_Kind):
    """A lock of ``threading`` that announces its owner. No signal handler can run between taking the lock and
    announcing it: the lock is taken by reading a property, after which the interpreter does not check for signals."""

    __slots__ = ("__weakref__", "_acquire", "_entry", "_is_signal", "_made", "_native", "_owner", "_where")
    __module__, __qualname__ = "_thread", "lock"
    native = type(_allocate())
    _bare = BARE

    def __init__(self, native: "Any" = None, frame: "Any" = None) -> None:
        native = _allocate() if native is None else native
        if type(native) is not _Lock.native:
            raise TypeError("lock expected 0 arguments, got 1")
        self._native, self._acquire = native, native.acquire
        self._entry = self._owner = self._where = 0
        self._is_signal = False
        frame = frame or _frame(1)
        self._made: Place | str | None = _place(frame.f_back if frame.f_globals is _OURS else frame)

    _try = property(methodcaller("_acquire", False))
    _take = property(methodcaller("_acquire"))

    def __enter__(self) -> object:
        try:
            me, frame = _identify(), _frame(1)
            where = _number(frame.f_code.co_filename) << FILE_AT | frame.f_lineno
            if not self._try:
                at, before, entry = _about_to_wait(self, me)
                try:
                    _WORDS[at] = entry
                    self._take  # noqa: B018 - reading it takes the lock
                finally:
                    _WORDS[at] = before
        except BaseException as error:
            _leave(error)
            raise
        self._owner, self._where = 0 if self._is_signal else me, where
        if self._entry:
            _WORDS[self._entry] = self._owner
            _WORDS[self._entry + 1] = where
        return True

    def acquire(self, /, *limits: object, **named: object) -> object:
        try:
            me, frame = _identify(), _frame(1)
            where = _number(frame.f_code.co_filename) << FILE_AT | frame.f_lineno
            if limits == (False,) and not named:  # does not wait
                if not self._try:
                    return False
            elif limits or named or not self._try:
                at, before, entry = _about_to_wait(self, me)
                try:
                    _WORDS[at] = entry
                    if not self._acquire(*limits, **named):
                        return False
                finally:
                    _WORDS[at] = before
        except BaseException as error:
            _leave(error)
            raise
        self._owner, self._where = 0 if self._is_signal else me | self._bare, where
        if self._entry:
            _WORDS[self._entry] = self._owner
            _WORDS[self._entry + 1] = where
        return True

    acquire_lock = acquire
    release = release_lock = _Call(_release_of)
    __exit__ = _Call(attrgetter("_native.__exit__"))
    locked = locked_lock = _Call(attrgetter("_native.locked"))
    _at_fork_reinit = _Call(attrgetter("_native._at_fork_reinit"))
    __reduce_ex__ = _Call(attrgetter("_native.__reduce_ex__"))
    __class__ = property(lambda self: _Lock.native)

    def __repr__(self) -> str:
        return f"{repr(self._native).rpartition(' at 0x')[0]} at {id(self):#x}>"


_COAT: "Any" = _Lock


class _ReentrantLock(_thread.RLock):  # type: ignore[misc]  # C makes no rule of what the stubs call final
    """A reentrant lock of ``threading`` that announces its owner."""

    __slots__ = ("_entry", "_made", "_owner", "_where")
    __module__, __qualname__ = "_thread", "RLock"
    _is_signal, _bare = False, 0
    _acquire = _thread.RLock.acquire
    _try = property(methodcaller("_acquire", False))
    _take = property(methodcaller("_acquire"))

    def __init__(self, *_: object, **__: object) -> None:
        self._entry = self._owner = self._where = 0
        self._made = _place(_frame(1))

    __enter__ = _COAT.__enter__
    acquire = _COAT.acquire

    def _acquire_restore(self, state: object) -> None:
        """Take the lock again after waiting for a condition."""
        above: Any = super()
        me = _identify()
        at, before, entry = _about_to_wait(self, me)
        try:
            _WORDS[at] = entry
            above._acquire_restore(state)
        except BaseException as error:
            _leave(error)
            raise
        finally:
            _WORDS[at] = before
            self._owner, self._where = me, 0
            if self._entry:
                _WORDS[self._entry] = me
                _WORDS[self._entry + 1] = 0

    def __reduce_ex__(self, protocol: object) -> "Any":
        raise TypeError("cannot pickle '_thread.RLock' object")

    def __repr__(self) -> str:
        return super().__repr__().replace(" RLock object", " _thread.RLock object", 1)  # as it would be without us


_Lock.__name__, _ReentrantLock.__name__ = "lock", "RLock"  # as errors say
_Lock.__doc__ = _Lock.native.__doc__


class _Turnstile(_Lock):
    """The lock that a thread waits for in a condition, which is also used by events, semaphores, barriers and queues.
    Any thread may release it, so it has no owner."""

    __slots__ = ()

    def __init__(self) -> None:
        native = _allocate()
        self._native, self._acquire = native, native.acquire
        self._entry = self._owner = self._where = 0
        self._is_signal, self._made = True, None

    def acquire(self, /, *limits: object, **named: object) -> object:
        if not limits and not named and self._try:
            return True
        try:
            at, before, entry = _about_to_wait(_condition(_frame(1)), _identify())
            try:
                _WORDS[at] = entry
                return self._acquire(*limits, **named)
            finally:
                _WORDS[at] = before
        except BaseException as error:
            _leave(error)
            raise


class _Condition:
    """A condition that a thread has waited for; it has the place of its lock."""

    __slots__ = ("__weakref__", "_entry", "_made", "_owner", "_where", "kind", "of")

    def __init__(self, condition: "Any", kind: str) -> None:
        at = id(condition)
        self.kind = kind
        self.of = ref(condition, lambda _: _conditions.pop(at, None))
        self._entry = self._owner = self._where = 0
        self._made = getattr(getattr(condition, "_lock", None), "_made", None)


def _condition(frame: "Any") -> object:
    """Return the record of the condition that is waited for in this frame. If the library polls it and does nothing
    else until it comes, a time-out does not count."""
    condition = frame.f_locals.get("self")
    known = _conditions.get(id(condition))
    if known is None:
        caller = getattr(frame.f_back, "f_back", None)  # the caller of the event that the condition is a part of
        known = _conditions[id(condition)] = _Condition(condition, "S" if caller and _serves(caller.f_code) else "A")
    return known


def _serves(code: "Any") -> bool:
    """Whether this is the main thread of a manager's process, which waits to be told to stop."""
    return code.co_name == "serve_forever" and code.co_filename.endswith(_SERVES) and _is_standard(code.co_filename)


_SERVES = os.path.join("multiprocessing", "managers.py")


_conditions: dict[int, _Condition] = {}
#: By thread ident: the index of the word that tells which lock the thread waits for.
_threads: dict[int, int] = {}
_numbers = iter(range(2, LOCKS_AT, 2))
#: Unused entries of locks; by entry, a weak reference that frees it with its lock.
_free = [*range(_NOWHERE - 2, LOCKS_AT - 1, -2)]
_kept: dict[int, object] = {}
_files: dict[str, int] = {}
_notes: "list[Notes]" = []


def _about_to_wait(lock: "Any", me: int) -> tuple[int, int, int]:
    """Return the index of this thread's word, its current value, and the entry of the lock to write there."""
    at = _threads.get(me) or _enrol(me)
    return at, _WORDS[at], lock._entry or _enter(lock)


def _enrol(me: int) -> int:
    at = _threads[me] = next(_numbers, _NOWHERE)
    if at != _NOWHERE:
        _WORDS[at - 1] = me
    return at


def _enter(lock: "Any") -> int:
    """Allocate an entry for a lock that a thread has to wait for, and announce its name. Returns 0 if that fails."""
    made = lock._made
    if made is None:
        return 0
    try:
        entry = _free.pop()
    except IndexError:
        return 0
    _WORDS[entry] = _WORDS[entry + 1] = 0
    try:
        kind = lock.kind if isinstance(lock, _Condition) else "L"
        text = f"E{made}" if isinstance(made, str) else kind + _notes[0].name(made)
        if not _notes[0].write(f"n{entry:x} {text}"):
            return 0
        _kept[entry] = ref(lock, lambda _: _free.append(entry))
    except Exception as error:
        return _if_ours(error)
    if not lock._entry:
        lock._entry = entry
    _WORDS[lock._entry] = lock._owner
    _WORDS[lock._entry + 1] = lock._where
    return int(lock._entry)


def _leave(error: BaseException) -> None:
    """Remove our frames from the traceback of an exception that is raised again, which adds no frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is _OURS:
        trace = trace.tb_next
    error.__traceback__ = trace


def _number(file: str) -> int:
    """Return the number of a file in which locks are taken; 0 if it has none."""
    if file in _files:
        return _files[file]
    if len(_files) >= _MAX_FILES or _is_standard(file):
        return 0
    number = _files[file] = len(_files) + 1
    try:
        _notes[0].write(f"p{number:x} {os.path.basename(file)}")
    except Exception as error:
        return _if_ours(error)
    return number


def _if_ours(error: Exception) -> int:
    """Ignore an exception of our own code, which must not affect the program, and return 0. An exception that a signal
    handler of the program has raised is raised again."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return 0
    file = trace.tb_frame.f_code.co_filename
    if os.path.dirname(file) == os.path.dirname(__file__) or _is_standard(file):
        return 0
    raise error


def _forget_others() -> None:
    """Clear the waits of threads in a forked process, where only the current thread exists."""
    for at in _threads.values():
        _WORDS[at] = 0


def begin_notes(notes: "Notes") -> None:
    """Announce the address of the table."""
    _notes[:] = [notes]
    if notes.lines:
        notes.write(f"t{id(_TABLE):x} words")


def wrap_threading(module: "Any", notes: "Notes") -> None:
    """Replace the module's locks by wrappers."""
    _private.add(module.Thread.__init__.__code__)
    if hasattr(os, "register_at_fork"):  # on systems with fork
        os.register_at_fork(after_in_child=_forget_others)
    if isinstance(module.Lock, type):
        module.Lock = _Lock
        vars(_thread).update(lock=_Lock, LockType=_Lock)  # pickle looks up the first one
    else:
        module.Lock = _thread.allocate_lock  # replaced by ``function``
    module._CRLock, module._allocate_lock = _ReentrantLock, _Turnstile
    begin = getattr(module, "_set_sentinel", None)
    if begin is None:
        return

    def set_sentinel() -> object:
        """Return the lock that ``Thread.join`` waits for."""
        lock = _Lock(begin())
        lock._made = str(getattr(_frame(1).f_locals.get("self"), "_name", ""))
        return lock

    module._set_sentinel = set_sentinel
