"""What tells one state of a thread from another: where all of its own calls stand, and what their variables hold.

Two equal states go on alike, as long as what they share with others is equal, too: that is read from outside, so what
lies in shared memory counts as nothing here. What cannot be looked into makes the state one that is not known.

Nothing of the program's own is called for that. Numbers that are names of processes, which differ each time, become
ordinals.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _ctypes
import _thread
import collections
import mmap
import os
import re
import types

from sandbox.programs.stepping import loops, wakes
from sandbox.util import interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Of a state so many values are looked at, and so deep.
MAX_VALUES, MAX_DEPTH = 2_000, 12
_PLAIN = frozenset({str, bytes, float, bool, complex, type(None), type(Ellipsis), type(NotImplemented), range, slice})
_LISTS = frozenset({list, tuple, collections.deque})
_SETS = frozenset({set, frozenset})
_DICTS = frozenset({dict, collections.OrderedDict, collections.defaultdict, collections.Counter})
_ITERATORS = frozenset(map(type, (
    iter([]), iter(()), iter(""), iter(b""), iter(range(0)), iter(range(1 << 70)), reversed([]), enumerate(()), zip(),
    iter({}), iter({}.items()), iter({}.values()), iter(set()),
)))  # fmt: skip
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)
#: Classes of these modules hold their state in what they refer to, and nowhere else.
_OPEN = frozenset(
    {"threading", "multiprocessing.synchronize", "multiprocessing.queues", "queue", "collections", "types"}
)
_SIMPLE = interpreter.simple_data()
_HEAP_TYPE = 1 << 9
_FIRST_PID = 300
#: Where processes and threads begin.
_BEGINNINGS = frozenset({"_bootstrap", "_bootstrap_inner"})
#: What of a thread differs each time, or belongs to the library alone.
_OF_THREAD = frozenset({"_ident", "_native_id", "_tstate_lock", "_handle", "_os_thread_handle", "_stderr"})
#: What the library calls pieces of shared memory.
_MEMORY = re.compile("psm_[0-9a-f]{8}")
_OWNER = re.compile(r"owner=(\d+) count=(\d+)")


class Pids:
    """The names of processes and of pieces of memory that a program may hold, and what they are instead."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._memory: dict[str, str] = {}
        self._born = 0
        self.renew()

    def renew(self) -> None:
        """In a process that has just been born."""
        self._known = {**dict.fromkeys(self._known, "other"), os.getppid(): "parent", os.getpid(): "self"}
        self._born = 0

    def born(self, pid: int) -> None:
        """A child of ours."""
        self._born += 1
        self._known[pid] = f"child {self._born}"

    def of_memory(self, name: re.Match[str]) -> str:
        """Pieces of memory are called by their order."""
        return self._memory.setdefault(name[0], f"memory {len(self._memory) + 1}")

    def instead(self, value: int) -> object:
        """Of any number."""
        return self._known.get(value, value) if value > _FIRST_PID else value


class States:
    """Those of the threads of a process. ``own``: whether code is the program's own; ``folder``: where its modules
    are."""

    def __init__(self, own: Callable[[types.CodeType], bool], folder: str) -> None:
        self._own, self._folder = own, folder
        self.pids = Pids()
        self.rounds = loops.Rounds()
        self._known, self._left = True, 0
        self._path: dict[int, int] = {}
        #: While all threads are looked at: which of them has which ident.
        self._threads: dict[str, int] = {}
        self._readers: dict[type, Callable[[Any, int], object]] = {}

    def of(self, frame: types.FrameType) -> tuple[int, bool]:
        """The state of the thread whose innermost call this is: a number that equal ones have in common, and whether
        all of it is known."""
        self._begin()
        worlds: dict[int, object] = {}
        calls = self._calls(frame, worlds)
        # Its text, because None has another hash in each process.
        return hash(repr((calls, [*worlds.values()]))), self._known

    def of_threads(self, frames: list[tuple[int, types.FrameType]]) -> tuple[int, bool]:
        """The same of all threads of a process, by their idents, in the order in which they came to be. Of one that
        waits within a library its own calls tell for what."""
        self._begin()
        self._threads = {str(ident): index for index, (ident, _) in enumerate(frames)}
        worlds: dict[int, object] = {}
        calls = [self._calls(self._own_frame(frame), worlds) for _, frame in frames]
        self._threads = {}
        return hash(repr((calls, [*worlds.values()]))), self._known

    def _own_frame(self, frame: types.FrameType) -> types.FrameType | None:
        """The innermost call of the program's own."""
        at: types.FrameType | None = frame
        while at is not None and not self._own(at.f_code):
            at = at.f_back
        return at

    def _begin(self) -> None:
        self._known, self._left = True, MAX_VALUES
        self._path.clear()

    def _calls(self, frame: types.FrameType | None, worlds: dict[int, object]) -> list[object]:
        """The program's own calls from this one on; ``worlds``: takes the variables of their modules."""
        calls: list[object] = []
        within = False
        at: types.FrameType | None = frame
        while at is not None:
            code = at.f_code
            if self._own(code) or code.co_filename.startswith(self._folder):
                if within:
                    self._known = False  # a library's call is under way, which we do not look into
                if at is not frame and not self._is_between_parts(at):
                    self._known = False
                within = False
                calls.append(self._call(at))
                world = at.f_globals
                if id(world) not in worlds:
                    worlds[id(world)] = self._world(world)
            elif code.co_name in _BEGINNINGS and code.co_filename.endswith(("process.py", "threading.py")):
                break  # what is below belongs to the parent, or to nobody
            elif not code.co_filename.startswith(_OURS):
                within = True
            at = at.f_back
        return calls

    @staticmethod
    def _is_between_parts(frame: types.FrameType) -> bool:
        """Whether a call is not made by a comprehension that is part of its caller's code, as in newer interpreters:
        how far that is, nothing tells."""
        return sys.version_info < (3, 12) or not loops.of(frame.f_code.co_filename).compresses(frame.f_lineno)

    def _call(self, frame: types.FrameType) -> object:
        code = frame.f_code
        local = frame.f_locals if frame.f_locals is not frame.f_globals else {}
        try:
            rounds: object = self.rounds.of(frame)
        except loops.NotFollowed:
            rounds, self._known = None, False
        return (
            code.co_filename.removeprefix(self._folder),
            code.co_firstlineno,
            frame.f_lasti,
            tuple((name, self._value(local[name], 0)) for name in sorted(local)),  # in which order is by when one looks
            rounds,
        )

    def _world(self, world: dict[str, Any]) -> object:
        """The variables of a module that are no parts of its text."""
        return tuple(
            (name, self._value(value, 0))
            for name, value in sorted(world.items(), key=lambda item: item[0])
            if not name.startswith("__") and type(value) not in (type, types.FunctionType)
        )

    def _value(self, value: Any, depth: int) -> object:
        """What stands for a value: equal for equal ones."""
        kind = type(value)
        if kind is int:
            return self.pids.instead(value)
        if kind is str and "psm_" in value:
            return "str", _MEMORY.sub(self.pids.of_memory, value)
        if kind in _PLAIN:
            return kind.__name__, value if kind not in (range, slice) else repr(value)
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return self._unknown(kind)
        if (before := self._path.get(id(value))) is not None:
            return "again", depth - before
        read = self._readers.get(kind)
        if read is None:
            read = self._readers[kind] = self._reader(kind)
        self._path[id(value)] = depth
        try:
            return read(value, depth + 1)
        except Exception:
            return self._unknown(kind)
        finally:
            del self._path[id(value)]

    def _unknown(self, kind: type) -> object:
        self._known = False
        return "?", kind.__qualname__

    # Kinds of values

    def _reader(self, kind: type) -> Callable[[Any, int], object]:
        """How values of this kind are read."""
        module = kind.__module__
        threading = sys.modules.get("threading")
        if kind in _LISTS:
            return lambda value, depth: (kind.__name__, tuple(self._value(item, depth) for item in value))
        if kind in _SETS:
            return self._of_set
        if kind in _DICTS:
            return self._of_dict
        if kind in _ITERATORS:
            return lambda value, depth: ("iterator", self._value(value.__reduce__()[1:], depth))
        if kind in _FUNCTIONS or issubclass(kind, (type, types.ModuleType)):
            return self._of_code
        if kind is types.GeneratorType:
            return self._of_generator
        if kind in (_thread.LockType, wakes.Waiter):
            return lambda value, depth: ("lock", value.locked())
        if kind is _thread.RLock:
            return self._of_owned_lock
        if threading is not None and issubclass(kind, threading.Thread):
            return self._of_thread
        if issubclass(kind, BaseException):
            return lambda value, depth: (kind.__qualname__, self._value((value.args, value.__dict__), depth))
        return self._reader_of_shared(kind, module) or self._reader_of_instance(kind, module)

    def _reader_of_shared(self, kind: type, module: str) -> Callable[[Any, int], object] | None:
        """Of what several processes see: what it holds is read from outside, and who has a lock is known here only."""
        name = kind.__qualname__
        process = sys.modules.get("multiprocessing.process")
        if process is not None and issubclass(kind, process.BaseProcess):
            return lambda value, depth: ("process", *interpreter.process_state(value))
        if (module, name) == ("_multiprocessing", "SemLock"):
            return lambda value, depth: ("semaphore", *interpreter.semaphore_state(value))
        if issubclass(kind, (_SIMPLE, _ctypes.Array, _ctypes.Structure)):
            return lambda value, depth: ("shared", name) if "_wrapper" in value.__dict__ else ("raw", bytes(value))
        if module == "multiprocessing.sharedctypes":
            return lambda value, depth: ("shared", name, self._value(interpreter.lock_of(value), depth))
        if kind is mmap.mmap:
            return lambda value, depth: ("shared", value.tell())
        if kind is memoryview:
            return lambda value, _: ("shared", "view") if type(value.obj) is mmap.mmap else ("view", bytes(value))
        if module in ("multiprocessing.shared_memory", "multiprocessing.context", "multiprocessing.heap"):
            return lambda value, depth: ("shared", name)
        if (module, name) == ("multiprocessing.connection", "Connection"):
            return lambda value, depth: ("connection", value._handle, value._readable, value._writable)
        return None

    def _of_owned_lock(self, value: Any, depth: int) -> object:
        found = _OWNER.search(repr(value))
        owner, count = found.groups() if found is not None else ("0", "0")
        return "lock", count, interpreter.owns_lock(value) if not self._threads else self._threads.get(owner)

    def _of_thread(self, value: Any, depth: int) -> object:
        own = object.__getattribute__(value, "__dict__")
        parts = {name: part for name, part in own.items() if name not in _OF_THREAD and not name.startswith("_invoke")}
        return "thread", self._of_dict(parts, depth)

    def _reader_of_instance(self, kind: type, module: str) -> Callable[[Any, int], object]:
        if module in ("io", "_io"):
            return self._of_file
        if module == "pathlib":
            return lambda value, depth: ("path", str(value))
        if module == "enum" or any(base.__module__ == "enum" for base in kind.__mro__):
            return lambda value, depth: (kind.__qualname__, value._name_)
        plain = all(base.__flags__ & _HEAP_TYPE and not base.__dict__.get("__slots__") for base in kind.__mro__[:-1])
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return lambda value, depth: (
                kind.__qualname__,
                tuple(self._value(item, depth) for item in tuple.__iter__(value)),
            )
        if plain and (module in _OPEN or self._is_own_module(module)):
            return lambda value, depth: (
                kind.__qualname__,
                self._of_dict(object.__getattribute__(value, "__dict__"), depth),
            )
        return lambda value, depth: self._unknown(kind)

    def _is_own_module(self, name: str) -> bool:
        file = getattr(sys.modules.get(name), "__file__", None)
        return name == "__main__" or (isinstance(file, str) and file.startswith(self._folder))

    def _of_set(self, value: Any, depth: int) -> object:
        return "set", sorted(repr(self._value(item, depth)) for item in value)

    def _of_dict(self, value: Any, depth: int) -> object:
        return "dict", tuple((self._value(key, depth), self._value(item, depth)) for key, item in dict.items(value))

    def _of_code(self, value: Any, depth: int) -> object:
        name = getattr(value, "__qualname__", None) or value.__name__
        whole: list[object] = [value.__module__ if hasattr(value, "__module__") else None, name]
        if type(value) is types.FunctionType:
            whole.append(tuple(self._value(cell.cell_contents, depth) for cell in value.__closure__ or ()))
        elif type(value) is types.ModuleType:
            return ("module", name, self._value(value.getstate(), depth) if name == "random" else None)
        elif type(value) in _FUNCTIONS and not isinstance(value.__self__, types.ModuleType):
            whole.append(self._value(value.__self__, depth))
        return tuple(whole)

    def _of_generator(self, value: Any, depth: int) -> object:
        frame = value.gi_frame
        if frame is None or value.gi_running:
            return "generator", value.gi_running
        if not frame.f_code.co_filename.startswith(self._folder):
            return self._unknown(type(value))
        return "generator", self._call(frame)

    def _of_file(self, value: Any, depth: int) -> object:
        if value in (sys.stdin, sys.stdout, sys.stderr):
            return "stream", value.name
        return ("file", "closed") if value.closed else self._unknown(type(value))


_OURS = os.path.dirname(os.path.abspath(__file__))
