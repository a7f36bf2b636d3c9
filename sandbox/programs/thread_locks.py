"""Who has the locks of ``threading``, as the program itself says (see ``lock_names``).

Such a lock says nothing of its owner, so each one that is made gets a coat: it is taken by the same calls, and then its
owner is written down, in memory that is read from outside. Where somebody has to wait, it is noted for which lock, and
what the code calls that. To release it is the interpreter's own call.
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

#: What is written down, in words of 8 bytes, of which the first tells that it is this: of so many threads, each one's
#: number and the lock that it waits for; of so many locks for which somebody has waited, the owner, and the line where
#: he took it. The last word is one that nobody reads.
MAX_THREADS, MAX_LOCKS, MARK = 512, 2_048, 0x6C6F636B73206F66
LOCKS_AT = 1 + 2 * MAX_THREADS
#: Beside an owner: it has not been taken by ``with``, so that another thread might release it.
BARE = 1
#: Files are told by number, beside the line.
_MAX_FILES, FILE_AT = 200, 32

_TABLE = bytearray(8 * (LOCKS_AT + 2 * MAX_LOCKS + 1))
_WORDS = memoryview(_TABLE).cast("Q")
_WORDS[0] = MARK
_NOWHERE = len(_WORDS) - 1
_identify, _frame, _OURS = _thread.get_ident, sys._getframe, globals()
_allocate: "Any" = getattr(_thread.allocate_lock, "_native", _thread.allocate_lock)


class _Call(property):
    """A call of the interpreter's own object: it leaves no trace of us in a traceback."""

    fget: "Any"

    def __call__(self, lock: "Any", *arguments: object) -> object:
        return self.fget(lock)(*arguments)


class _Kind(type):
    """As far as ``isinstance`` tells, the coat is what is in it, and the other way round."""

    def __instancecheck__(cls, thing: object) -> bool:
        return type.__instancecheck__(cls, thing) or type(thing) is _Lock.native


def _release_of(lock: "_Lock") -> object:
    """Who gives back what others have taken uses it as a signal: nobody has such a thing."""
    if lock._owner and (lock._owner ^ _identify()) & ~BARE and lock._native.locked():
        lock._owner, lock._is_signal = 0, True
        if lock._entry:
            _WORDS[lock._entry] = 0
    return lock._native.release


class _Lock(metaclass=_Kind):
    """A lock of ``threading`` that notes its owner. Between its being taken and that no signal can come: it is taken by
    the reading of an attribute, after which the interpreter looks for none."""

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
                    self._take  # noqa: B018 - to read it is to take the lock
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
            if limits == (False,) and not named:  # it waits for nobody
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
    """Likewise one that its owner may take again."""

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
        """A condition has been waited for."""
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
    """What a thread waits at in a condition, as it is in an event, a semaphore, a barrier, a queue: anybody may let it
    through."""

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
    """A condition for which somebody has waited; its lock was made with it."""

    __slots__ = ("__weakref__", "_entry", "_made", "_owner", "_where", "kind", "of")

    def __init__(self, condition: "Any", kind: str) -> None:
        at = id(condition)
        self.kind = kind
        self.of = ref(condition, lambda _: _conditions.pop(at, None))
        self._entry = self._owner = self._where = 0
        self._made = getattr(getattr(condition, "_lock", None), "_made", None)


def _condition(frame: "Any") -> object:
    """What is known of the one that is waited for in this frame. Where the library looks for it by turns, and does
    nothing else until it comes, a time-out says nothing."""
    condition = frame.f_locals.get("self")
    known = _conditions.get(id(condition))
    if known is None:
        caller = getattr(frame.f_back, "f_back", None)  # beyond the event of which it is a part
        known = _conditions[id(condition)] = _Condition(condition, "S" if caller and _serves(caller.f_code) else "A")
    return known


def _serves(code: "Any") -> bool:
    """Whether this is the first thread of a manager's process, which waits to be told to stop."""
    return code.co_name == "serve_forever" and code.co_filename.endswith(_SERVES) and _is_standard(code.co_filename)


_SERVES = os.path.join("multiprocessing", "managers.py")


_conditions: dict[int, _Condition] = {}
#: By thread: the word in which stands for which lock it waits.
_threads: dict[int, int] = {}
_numbers = iter(range(2, LOCKS_AT, 2))
#: Words of locks that are not used; by word, what tells that it is not used any more.
_free = [*range(_NOWHERE - 2, LOCKS_AT - 1, -2)]
_kept: dict[int, object] = {}
_files: dict[str, int] = {}
_notes: "list[Notes]" = []


def _about_to_wait(lock: "Any", me: int) -> tuple[int, int, int]:
    """In which word this thread shall write for what it waits; what stands there; what it shall write."""
    at = _threads.get(me) or _enrol(me)
    return at, _WORDS[at], lock._entry or _enter(lock)


def _enrol(me: int) -> int:
    at = _threads[me] = next(_numbers, _NOWHERE)
    if at != _NOWHERE:
        _WORDS[at - 1] = me
    return at


def _enter(lock: "Any") -> int:
    """Give it a word of its own, as somebody has to wait for it, and note what it is called; 0 where that cannot be."""
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
    """An exception is about to leave us: its traceback leads from where the program waits to where it was raised. To
    raise it again adds nothing to that."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is _OURS:
        trace = trace.tb_next
    error.__traceback__ = trace


def _number(file: str) -> int:
    """Of a file in which locks are taken."""
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
    """What we cannot note shall not be the program's trouble; but what a handler of a signal has raised is."""
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
    """In a process that was forked off there is one thread, and it waits for nothing."""
    for at in _threads.values():
        _WORDS[at] = 0


def begin_notes(notes: "Notes") -> None:
    """Say where what is written down stands."""
    _notes[:] = [notes]
    if notes.lines:
        notes.write(f"t{id(_TABLE):x} words")


def wrap_threading(module: "Any", notes: "Notes") -> None:
    """From now on its locks have coats."""
    _private.add(module.Thread.__init__.__code__)
    if hasattr(os, "register_at_fork"):  # where there is fork
        os.register_at_fork(after_in_child=_forget_others)
    if isinstance(module.Lock, type):
        module.Lock = _Lock
        vars(_thread).update(lock=_Lock, LockType=_Lock)  # by the first of which it is sent to other processes
    else:
        module.Lock = _thread.allocate_lock  # which makes them (see ``function``)
    module._CRLock, module._allocate_lock = _ReentrantLock, _Turnstile
    begin = getattr(module, "_set_sentinel", None)
    if begin is None:
        return

    def set_sentinel() -> object:
        """What is waited for at the end of a thread."""
        lock = _Lock(begin())
        lock._made = str(getattr(_frame(1).f_locals.get("self"), "_name", ""))
        return lock

    module._set_sentinel = set_sentinel
