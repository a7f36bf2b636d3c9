"""The whole state of a program as far as it can be known, so that two runs that have come to the same one are known to.

What it stands for is every value that a line still to come may read: the variables of all of its functions that have
not returned, where each of them stands, the iterators of its loops, the variables of its modules, and whatever all of
these hold. Where one object is of a kind that is not known here, nothing is: a state that leaves something out would
prove what is not true.
"""

from __future__ import annotations

import _thread
import _weakrefset
import gc
import sys
import types
from collections import deque
from typing import Any

from sandbox.programs.stepping.values import Shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

#: So deep and so much is looked at.
_MAX_DEPTH, _MAX_OBJECTS = 30, 5_000
_ATOMS = frozenset({int, float, str, bool, bytes, complex, type(None), type(...), range})
#: What never changes, or is not looked into: it is known by its name.
_NAMED = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.CodeType, property, staticmethod)
_NAMED_TOO = (classmethod, types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType)
_EMPTY: tuple[Any, ...] = ((), [], "", b"", range(0), {}, {}.values(), {}.items(), set(), range(1 << 70))
_ITERATORS = frozenset({*(type(iter(each)) for each in _EMPTY), enumerate, zip, type(reversed([]))})
_LOCKS = (_thread.LockType, _thread.RLock)


class Unknown(Exception):
    """There is something that is not known here."""


class States:
    """``is_step``: whether code is the program's own; ``is_own``: whether a file is."""

    def __init__(self, is_step: Callable[[CodeType], bool], is_own: Callable[[str], bool]) -> None:
        self._is_step, self._is_own = is_step, is_own
        self._shared = Shared()

    def take(self, frames: Iterable[FrameType]) -> tuple[str, list[str]]:
        """That of a process whose threads are here, as a word, and what it shares with others: the name and the value
        of each in turn. The word is "" where not all is known."""
        seen = _Seen(self)
        try:
            for frame in frames:
                here: FrameType | None = frame
                while here is not None:
                    if self._is_step(here.f_code):
                        seen.frame(here)
                    here = here.f_back
        except Unknown:
            return "", []
        except Exception:  # it changes while it is looked at, or is not what it seems
            return "", []
        pairs = [word for pair in sorted(seen.shared.items()) for word in pair]
        return f"{hash(tuple(seen.words)) & (1 << 64) - 1:016x}", pairs


class _Seen:
    """One look: words that say what was seen, in its order."""

    def __init__(self, states: States) -> None:
        self._states = states
        self.words: list[str] = []
        self.shared: dict[str, str] = {}
        self._numbers: dict[int, int] = {}
        self._depth = 0

    def frame(self, frame: FrameType) -> None:
        """Where a function stands, its variables, and what its loops go over."""
        code = frame.f_code
        self.words += (code.co_name, str(code.co_firstlineno), str(frame.f_lasti))
        world, local = frame.f_globals, frame.f_locals
        if local is not world:
            self._variables(local)
        if id(world) not in self._numbers:
            self._numbers[id(world)] = len(self._numbers)
            self._variables({name: value for name, value in world.items() if not name.startswith("__")})
        skipped = {id(world), id(local), id(frame.f_builtins), id(frame.f_trace), id(code), id(frame.f_back)}
        for each in gc.get_referents(frame):
            if id(each) not in skipped and type(each) is not types.FunctionType:
                self.value(each)

    def _variables(self, variables: dict[str, Any]) -> None:
        for name, value in variables.items():
            self.words.append(name)
            self.value(value)

    def value(self, value: Any) -> None:
        """One value, and all that it holds."""
        kind = type(value)
        if kind in _ATOMS:
            self.words.append(repr(value))
            return
        number = self._numbers.get(id(value))
        if number is not None:
            self.words.append(f"#{number}")
            return
        if len(self._numbers) > _MAX_OBJECTS or self._depth > _MAX_DEPTH:
            raise Unknown
        self._numbers[id(value)] = len(self._numbers)
        self.words.append(kind.__qualname__)
        self._depth += 1
        self._look_into(value, kind)
        self._depth -= 1
        self.words.append(".")

    def _look_into(self, value: Any, kind: type) -> None:
        held = self._states._shared.text(value)
        if kind in (list, tuple, deque):
            for item in value:
                self.value(item)
        elif kind is dict:
            for key, item in value.items():
                self.value(key)
                self.value(item)
        elif kind in (set, frozenset):
            self.words += sorted(map(_atom, value))
        elif kind is bytearray:
            self.words.append(repr(value))
        elif held is not None:
            self._share(value, kind, held)
        elif kind in _ITERATORS:
            self.value(value.__reduce__()[1:])
        elif isinstance(value, (*_NAMED, *_NAMED_TOO)):
            self.words.append(str(getattr(value, "__qualname__", getattr(value, "__name__", ""))))
            self._captured(value)
        elif kind is types.MethodType:
            self.words.append(value.__func__.__qualname__)
            self.value(value.__self__)
        elif isinstance(value, type):
            self._kind(value)
        elif kind is types.GeneratorType:
            if value.gi_frame is not None:
                self.frame(value.gi_frame)
        elif kind is types.CellType:
            self.value(value.cell_contents)
        elif isinstance(value, _LOCKS):
            self.shared[f"lock {id(value):x}"] = str(value.locked()) if hasattr(value, "locked") else repr(value)[:40]
        elif isinstance(value, BaseException):
            self.value(value.args)
        else:
            self._of_library(value, kind)

    def _captured(self, value: Any) -> None:
        """What a function of the program's own holds."""
        if type(value) is types.FunctionType and self._states._is_own(value.__code__.co_filename):
            self.value(value.__closure__)
            self.value(value.__defaults__)

    def _kind(self, value: type) -> None:
        """Classes of the program's own have variables as well."""
        self.words.append(value.__qualname__)
        module = sys.modules.get(value.__module__)
        if module is not None and self._states._is_own(getattr(module, "__file__", None) or ""):
            for name, item in vars(value).items():
                if not name.startswith("__") and not callable(item):
                    self.words.append(name)
                    self.value(item)

    def _share(self, value: Any, kind: type, held: str) -> None:
        """What others see is told by where it lies, which is the same in all that have it from one parent."""
        if kind.__module__ in ("multiprocessing.shared_memory", "mmap") or kind is memoryview:
            name = getattr(getattr(value, "shm", value), "_name", None)
            if name is None:
                raise Unknown
            memory = getattr(value, "shm", value)._buf
            self._note(f"memory {name}", f"{hash(bytes(memory)):x}")
            return
        import ctypes

        inner = getattr(value, "_obj", value)
        self._note(f"at {ctypes.addressof(inner):x}", f"{hash(bytes(inner)):x}")
        if inner is not value:
            self.value(value._lock)

    def _note(self, name: str, held: str) -> None:
        self.words.append(name)
        self.shared[name] = held

    def _of_library(self, value: Any, kind: type) -> None:
        module = kind.__module__
        if module == "multiprocessing.synchronize":
            self._synchronizer(value)
        elif isinstance(value, _process()):
            popen = value._popen
            self.words += (value._identity.__repr__(), str(popen and popen.returncode))
        elif module == "threading":
            if kind.__name__ == "Thread":
                self.words += (str(value._started._flag), str(value._is_stopped))
            else:
                self._variables(value.__dict__)
        elif (
            module.startswith("multiprocessing.") and kind.__name__.endswith("Context")
        ) or kind is _weakrefset.WeakSet:
            return
        elif self._is_of_program(module):
            if hasattr(kind, "__slots__") or kind.__dict__.get("__reduce__") is not None:
                raise Unknown
            self._kind(kind)
            self._variables(object.__getattribute__(value, "__dict__"))
        elif getattr(value, "closed", False) is True and module == "_io":
            self.words.append("closed")
        else:
            raise Unknown

    def _is_of_program(self, name: str) -> bool:
        module = sys.modules.get(name)
        return module is not None and self._states._is_own(getattr(module, "__file__", None) or "")

    def _synchronizer(self, value: Any) -> None:
        handle = getattr(value, "_semlock", None)
        if handle is None:
            self._variables({name: item for name, item in value.__dict__.items() if not callable(item)})
            return
        self.words.append(str(handle._count()))
        self._note(f"semaphore {handle.handle:x}", str(handle._get_value()))


def _process() -> tuple[Any, ...]:
    process = sys.modules.get("multiprocessing.process")
    return (process.BaseProcess,) if process is not None else ()


def _atom(value: Any) -> str:
    if type(value) in _ATOMS:
        return repr(value)
    raise Unknown
