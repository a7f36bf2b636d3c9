"""The footprint of a line: which pieces of memory, locks, pipes and output that several processes share it touches.

Only plain values, the built-in collections, and the objects of ``multiprocessing`` and ``ctypes`` are understood. No
code of a value is run, except for reading its own address.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _ctypes
import ctypes
import mmap
import types

from sandbox.util import interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class NotUnderstood(Exception):
    """A line may touch anything."""


#: An unknown value: PLAIN is a number, a string or the like; ANY may be anything that is not examined by an operator or
#: a test.
PLAIN, ANY = object(), object()
_ATOMS = frozenset({int, float, str, bool, bytes, complex, type(None), range, slice, type(...)})
_COLLECTIONS = frozenset({list, tuple, dict, set, frozenset})
_ADDRESS_OF = ctypes.addressof
#: The maximum size of a semaphore of the C library.
_SEMAPHORE = 32
_LOCKS = frozenset({"Lock", "RLock", "Semaphore", "BoundedSemaphore"})
_HEAP_TYPE = 1 << 9
_CONDITION = frozenset({"acquire", "release", "wait", "notify", "notify_all"})
_EVENT = frozenset({"set", "clear", "wait", "is_set"})
_CONNECTION = frozenset({"send", "recv", "send_bytes", "recv_bytes"})
_SYNCHRONIZED = frozenset({"acquire", "release", "get_lock", "get_obj"})


def is_plain(value: Any) -> bool:
    """Whether the value contains nothing that several processes share."""
    return value is PLAIN or type(value) in _ATOMS


class Footprint:
    """What one turn touches."""

    def __init__(self) -> None:
        self._touched: dict[str, None] = {}

    def written(self) -> str:
        """Return the footprint as text: for each part r or w, followed by its address and length, or its name."""
        return " ".join(self._touched)

    def note(self, what: str, write: bool) -> None:
        """Note that a part is read, or written."""
        self._touched[("w" if write else "r") + what] = None

    def _memory(self, address: int, length: int, write: bool) -> None:
        self.note(f"{address}:{length}", write)

    def _whole(self, value: Any, write: bool = False) -> Any:
        self._memory(_ADDRESS_OF(value), ctypes.sizeof(value), write)
        return PLAIN

    def _lock(self, lock: Any) -> None:
        self._memory(lock._semlock.handle, _SEMAPHORE, write=True)

    def _condition(self, condition: Any) -> None:
        for lock in (condition._lock, condition._sleeping_count, condition._woken_count, condition._wait_semaphore):
            self._lock(lock)

    # Operations on a value

    def use(self, value: Any) -> None:
        """Note that a value is used as an operand, or tested."""
        kind = type(value)
        if is_plain(value) or value is ANY or kind in _COLLECTIONS or kind is types.FunctionType:
            return
        if not kind.__flags__ & _HEAP_TYPE or _kind_of(value):
            raise NotUnderstood

    def iterate(self, value: Any) -> None:
        """Note that a value is iterated over."""
        if is_plain(value) or type(value) in _COLLECTIONS:
            return
        if isinstance(value, _ctypes.Array):
            self._whole(value)
        else:
            raise NotUnderstood

    def consume(self, value: Any) -> None:
        """Note that a value is passed to a built-in function."""
        if isinstance(value, _ctypes.Array):
            self._whole(value)
        elif _kind_of(value) == "synchronized":
            self._lock(value._lock)
            self._whole(value._obj)
        elif type(value) in _COLLECTIONS:
            if not all(is_plain(each) or type(each) in _COLLECTIONS for each in value):
                raise NotUnderstood
        elif not is_plain(value):
            raise NotUnderstood

    def enter(self, value: Any) -> None:
        """Note that a value is entered as a context manager, or left."""
        kind = _kind_of(value)
        if kind == "lock":
            self._lock(value)
        elif kind in ("condition", "synchronized"):
            self._lock(value._lock)
        else:
            raise NotUnderstood

    # Parts of a value

    def attribute(self, value: Any, name: str, write: bool = False) -> Any:
        """Note an access to an attribute, and return its value, as far as known."""
        kind = _kind_of(value)
        if kind == "synchronized" and (name in ("value", "raw") or hasattr(type(value._obj), "_fields_")):
            self._lock(value._lock)
            return self._whole(value._obj, write)
        if kind == "simple" and name == "value":
            return self._whole(value, write)
        if kind == "array" and name in ("value", "raw"):
            return self._whole(value, write)
        if kind == "structure" and any(field[0] == name for field in type(value)._fields_):
            field = getattr(type(value), name)
            self._memory(_ADDRESS_OF(value) + field.offset, field.size & 0xFFFF or 1, write)
            return PLAIN
        if kind == "process" and name in ("exitcode", "pid", "name", "ident") and not write:
            self.note("end", write=False)
            return PLAIN
        if kind == "shared_memory" and not write:
            return value._buf if name == "buf" else PLAIN
        if type(value) is types.ModuleType and not write and name in value.__dict__:
            return value.__dict__[name]
        if kind == "" and _is_open(type(value)):
            return self._of_instance(value, name, write)
        raise NotUnderstood

    @staticmethod
    def _of_instance(value: Any, name: str, write: bool) -> Any:
        """Return an attribute of an instance of a class of the program."""
        for base in type(value).__mro__:
            if name in base.__dict__:
                if hasattr(type(base.__dict__[name]), "__set__"):
                    raise NotUnderstood
                break
        own = object.__getattribute__(value, "__dict__")
        if write:
            return PLAIN
        if name in own:
            return own[name]
        for base in type(value).__mro__:
            if name in base.__dict__ and is_plain(base.__dict__[name]):
                return base.__dict__[name]
        raise NotUnderstood

    def item(self, value: Any, index: Any, write: bool = False) -> Any:
        """Note an access to an item of a collection, and return its value, as far as known."""
        kind = _kind_of(value)
        if kind == "synchronized":
            self._lock(value._lock)
            value, kind = value._obj, "array"
        if kind == "array":
            return self._of_array(value, index, write)
        if type(value) is memoryview and type(value.obj) is mmap.mmap:
            return self._of_view(value, index, write)
        if value is PLAIN or type(value) in (str, bytes, range):
            return PLAIN
        if type(value) in (list, tuple, dict):
            if write:
                return PLAIN
            if type(index) in (int, str) and (type(value) is dict or type(index) is int):
                return value[index]
            return ANY
        raise NotUnderstood

    def _of_array(self, value: Any, index: Any, write: bool) -> Any:
        if type(index) is not int or not -len(value) <= index < len(value):
            return self._whole(value, write)
        element = type(value)._type_
        length = ctypes.sizeof(element)
        self._memory(_ADDRESS_OF(value) + index % len(value) * length, length, write)
        if issubclass(element, _ctypes._SimpleCData):
            return PLAIN
        return value[index]  # a view of the item

    def _of_view(self, value: Any, index: Any, write: bool) -> Any:
        begin = _ADDRESS_OF(ctypes.c_char.from_buffer(value))
        if type(index) is int and value.ndim == 1 and -len(value) <= index < len(value):
            self._memory(begin + index % len(value) * value.itemsize, value.itemsize, write)
        else:
            self._memory(begin, value.nbytes, write)
        return PLAIN

    # Methods

    def call_method(self, value: Any, name: str, arguments: list[Any], is_own: Callable[[Any], bool]) -> Any:
        """Note a method call, and return its result, as far as known. ``is_own``: whether a function has steps of its
        own."""
        kind = _kind_of(value)
        bare = not arguments
        if kind == "lock" and name in ("acquire", "release") and (bare or arguments == [False]):
            self._lock(value)
        elif kind == "condition" and name in _CONDITION and bare:
            self._condition(value)
        elif kind == "event" and name in _EVENT and bare:
            self._condition(value._cond)
            self._lock(value._flag)
        elif kind == "synchronized" and name in _SYNCHRONIZED and bare:
            if name == "get_obj":
                return value._obj
            if name == "get_lock":
                return value._lock
            self._lock(value._lock)
        elif kind == "connection" and name in _CONNECTION and all(map(is_plain, arguments)):
            self.note("pipes", write=True)
        elif kind == "process" and name in ("join", "is_alive") and bare:
            self.note("end", write=False)
        elif kind == "process" and name == "start" and bare and interpreter.is_forked_at_start(value):
            self.note("birth", write=True)
        elif value is PLAIN or type(value) in _ATOMS:
            for each in arguments:
                self.consume(each)
            return PLAIN
        elif type(value) in _COLLECTIONS:
            if name == "sort" or not all(is_plain(each) or each is ANY for each in arguments):
                raise NotUnderstood
            return ANY
        elif not (kind == "" and _is_open(type(value)) and is_own(_method(value, name))):
            raise NotUnderstood
        return ANY


def _method(value: Any, name: str) -> Any:
    own = object.__getattribute__(value, "__dict__")
    if name in own:
        return own[name]
    return next((base.__dict__[name] for base in type(value).__mro__ if name in base.__dict__), None)


def _is_open(kind: type) -> bool:
    """Whether instances have nothing but a dictionary, and attribute access is not customized."""
    return bool(kind.__flags__ & _HEAP_TYPE) and all(
        base is object
        or (
            bool(base.__flags__ & _HEAP_TYPE)
            and not base.__dict__.get("__slots__")
            and "__getattribute__" not in base.__dict__
            and "__getattr__" not in base.__dict__
            and "__setattr__" not in base.__dict__
        )
        for base in kind.__mro__
    )


#: The kind of each type, see ``_kind_of``.
_KINDS: dict[type, str] = {}


def _kind_of(value: Any) -> str:
    """Return which kind of a library's object the value is; "": unknown, or an object of the program."""
    kind = type(value)
    found = _KINDS.get(kind)
    if found is None:
        found = _KINDS[kind] = _kind(kind)
    return found


def _kind(kind: type) -> str:
    module, name = kind.__module__, kind.__qualname__
    if issubclass(kind, _ctypes._SimpleCData):
        return "simple"
    if issubclass(kind, _ctypes.Array):
        return "array"
    if issubclass(kind, _ctypes.Structure):
        return "structure"
    if any(base.__module__ == "multiprocessing.process" for base in kind.__mro__):
        return "process"
    if module == "multiprocessing.synchronize":
        if name in _LOCKS:
            return "lock"
        return {"Condition": "condition", "Event": "event"}.get(name, "library")
    if module == "multiprocessing.sharedctypes":
        return "synchronized"
    if module == "multiprocessing.connection":
        return {"Connection": "connection"}.get(name, "library")
    if module == "multiprocessing.shared_memory":
        return {"SharedMemory": "shared_memory"}.get(name, "library")
    own = sys.modules.get(module)
    if kind.__flags__ & _HEAP_TYPE and module != "builtins" and not _is_of_library(own):
        return ""
    return "" if kind in _ATOMS or kind in _COLLECTIONS else "library"


def _is_of_library(module: Any) -> bool:
    file = getattr(module, "__file__", None)
    return file is None or "/lib/python" in file or file.startswith(sys.base_prefix)
