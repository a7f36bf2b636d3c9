"""Distinguishes states of a thread: the positions of all calls of the program, and the values of their variables.

From equal states a program continues in the same way, as long as all that is shared with others is equal, too. That is
read from outside, so shared memory is ignored here. A value that cannot be examined makes the state unknown.

No code of the program is called. The os_pids of processes, which differ from run to run, are replaced by ordinal
numbers.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _ctypes
import _thread
import collections
import itertools
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

#: The maximum number of values of a state that are examined, and the maximum depth.
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
#: Modules with classes whose state is entirely in the attributes of their instances.
_OPEN = frozenset(
    {"threading", "multiprocessing.synchronize", "multiprocessing.queues", "queue", "collections", "types"}
)
_SIMPLE = interpreter.simple_data()
_HEAP_TYPE = 1 << 9
_FIRST_PID = 300
#: Functions in which processes and threads begin.
_BEGINNINGS = frozenset({"_bootstrap", "_bootstrap_inner"})
#: Attributes of a thread that differ from run to run, or only matter to the library.
_OF_THREAD = frozenset({"_ident", "_native_id", "_tstate_lock", "_handle", "_os_thread_handle", "_stderr"})
#: The names that the library gives to pieces of shared memory.
_MEMORY = re.compile("psm_[0-9a-f]{8}")
_OWNER = re.compile(r"owner=(\d+) count=(\d+)")


class Pids:
    """The names of processes and of pieces of memory that a program may hold, and what replaces them."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._memory: dict[str, str] = {}
        self._born = 0
        self.renew()

    def renew(self) -> None:
        """Adapt to a process that was just forked."""
        self._known = {**dict.fromkeys(self._known, "other"), os.getppid(): "parent", os.getpid(): "self"}
        self._born = 0

    def born(self, pid: int) -> None:
        """Note a child of this process."""
        self._born += 1
        self._known[pid] = f"child {self._born}"

    def of_memory(self, name: re.Match[str]) -> str:
        """Return the replacement for the name of a piece of memory: its ordinal number."""
        return self._memory.setdefault(name[0], f"memory {len(self._memory) + 1}")

    def instead(self, value: int) -> object:
        """Return the replacement for any number, which may be an os_pid."""
        return self._known.get(value, value) if value > _FIRST_PID else value


class States:
    """Reads the states of the threads of a process. ``own``: whether code belongs to the program; ``folder``: where its
    modules are."""

    def __init__(self, own: Callable[[types.CodeType], bool], folder: str) -> None:
        self._own, self._folder = own, folder
        self.pids = Pids()
        self.rounds = loops.Rounds()
        self._known, self._left = True, 0
        self._path: dict[int, int] = {}
        #: While all threads are examined: the index of each thread by its ident.
        self._threads: dict[str, int] = {}
        self._readers: dict[type, Callable[[Any, int], object]] = {}

    def of(self, frame: types.FrameType) -> tuple[int, bool]:
        """Return the state of the thread with this innermost frame: a number that is the same for equal states, and
        whether the state is known completely."""
        self._begin()
        worlds: dict[int, object] = {}
        calls = self._calls(frame, worlds)
        # repr, because None has another hash in each process
        return hash(repr((calls, [*worlds.values()]))), self._known

    def of_threads(self, frames: list[tuple[int, types.FrameType]]) -> tuple[int, bool]:
        """Return the same for all threads of a process, which are given with their idents, in the order of their
        creation. What a thread waits for within a library follows from its own calls."""
        self._begin()
        self._threads = {str(ident): index for index, (ident, _) in enumerate(frames)}
        worlds: dict[int, object] = {}
        calls = [self._calls(self._own_frame(frame), worlds) for _, frame in frames]
        self._threads = {}
        return hash(repr((calls, [*worlds.values()]))), self._known

    def _own_frame(self, frame: types.FrameType) -> types.FrameType | None:
        """Return the innermost frame of the program's own code."""
        at: types.FrameType | None = frame
        while at is not None and not self._own(at.f_code):
            at = at.f_back
        return at

    def _begin(self) -> None:
        self._known, self._left = True, MAX_VALUES
        self._path.clear()

    def _calls(self, frame: types.FrameType | None, worlds: dict[int, object]) -> list[object]:
        """Return the program's own calls from this frame outwards. The variables of their modules are added to
        ``worlds``."""
        calls: list[object] = []
        within = False
        at: types.FrameType | None = frame
        while at is not None:
            code = at.f_code
            if self._own(code) or code.co_filename.startswith(self._folder):
                if within:
                    self._known = False  # a call of a library is in progress, which is not examined
                if at is not frame and not self._is_between_parts(at):
                    self._known = False
                within = False
                calls.append(self._call(at))
                world = at.f_globals
                if id(world) not in worlds:
                    worlds[id(world)] = self._world(world)
            elif code.co_name in _BEGINNINGS and code.co_filename.endswith(("process.py", "threading.py")):
                break  # below are calls of the parent, or of the library
            elif not code.co_filename.startswith(_OURS):
                within = True
            at = at.f_back
        return calls

    @staticmethod
    def _is_between_parts(frame: types.FrameType) -> bool:
        """Whether a call is not made by a comprehension that is part of its caller's code, as in newer interpreters,
        because the progress of that is unknown."""
        found = loops.of(frame.f_code.co_filename)
        if sys.version_info < (3, 12) or not found.compresses(frame.f_lineno):
            return True
        line, _, column, _ = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
        return line is not None and column is not None and not found.is_within(line, column)

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
            tuple((name, self._value(local[name], 0)) for name in sorted(local)),  # in an order that does not vary
            rounds,
        )

    def _world(self, world: dict[str, Any]) -> object:
        """Return the variables of a module, except functions and classes."""
        return tuple(
            (name, self._value(value, 0))
            for name, value in sorted(world.items(), key=lambda item: item[0])
            if not name.startswith("__") and type(value) not in (type, types.FunctionType)
        )

    def _value(self, value: Any, depth: int) -> object:
        """Return a representation of a value, which is the same for equal values."""
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
        """Return the function that reads values of this type."""
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
        """Return the function that reads values of a type that several processes share, or None. Their content is read
        from outside, but only this process knows which locks it has."""
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
