"""Converts values of a program's variables to text: simple ones, and those that are shared with other processes.

No code of the program is called, neither a ``__repr__`` nor a property, because that would be a step that the program
has not made. Only immutable values are kept, so that objects that the program releases are freed.
"""

from __future__ import annotations

import _ctypes
import mmap
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.util import interpreter

#: Types of objects that never change and are no values, which is most of what a module contains.
_BORING = frozenset({types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type})
#: The maximum length of a text, number of items of a collection, and depth.
MAX_TEXT, MAX_ITEMS, MAX_DEPTH = 80, 12, 3
#: For a larger number only its size is shown, because converting it takes long.
_MAX_BITS = 256
#: How many bytes of shared memory are examined, and shown.
_MAX_LOOKED, _MAX_BYTES = 4_096, 16
_SIMPLE = interpreter.simple_data()
_ATOMS = frozenset({int, float, str, bool, bytes, complex, type(None)})
_COLLECTIONS: dict[type, str] = {tuple: "()", list: "[]", set: "{}", frozenset: "{}", dict: "{}"}


def text(value: Any, depth: int = MAX_DEPTH) -> str | None:
    """Return the text of a simple value; None if it is not simple."""
    kind = type(value)
    if kind in _ATOMS:
        return _atom(value)
    ends = _COLLECTIONS.get(kind)
    if ends is None or not depth or len(value) > MAX_ITEMS:
        return None
    if kind is dict:
        pairs = [(text(key, 1), text(item, depth - 1)) for key, item in value.items()]
        if any(key is None or item is None for key, item in pairs):
            return None
        return _cut("{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}")
    items: list[str] = []
    for each in value:
        if (item := text(each, depth - 1)) is None:
            return None
        items.append(item)
    if kind in (set, frozenset):
        items.sort()
    comma = "," if kind is tuple and len(items) == 1 else ""
    return _cut(ends[0] + ", ".join(items) + comma + ends[1])


def _atom(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"<{value.bit_length()} bits>"
    if isinstance(value, (str, bytes)) and len(value) > MAX_TEXT:
        return f"{value[: MAX_TEXT // 2]!r}… ({len(value)}, {hash(value) & 0xFFFF:04x})"
    return repr(value)


def _cut(written: str) -> str:
    if len(written) <= 2 * MAX_TEXT:
        return written
    return f"{written[:MAX_TEXT]}… ({len(written)}, {hash(written) & 0xFFFF:04x})"


class Shared:
    """Recognises values that several processes share: values and arrays of ``multiprocessing``, also raw ones, objects
    of ``shared_memory``, and mappings, also in a list, a tuple or a dictionary."""

    def __init__(self) -> None:
        self._readers: dict[type, int] = {}

    def text(self, value: Any) -> str | None:
        """Return the present content; None if the value is not shared, as far as can be seen."""
        kind = type(value)
        how = self._readers.get(kind)
        if how is None:
            how = self._readers[kind] = _how(kind)
        if not how:
            return None
        try:
            return _READERS[how](value)
        except Exception:  # it is closed, or not what it seems to be
            return None

    def parts(self, name: str, value: Any) -> Iterable[tuple[str, str]]:
        """Yield the shared parts of a variable, by name: itself, or its items."""
        kind = type(value)
        if kind in _ATOMS:
            return
        if kind in (list, tuple, dict):
            if len(value) <= MAX_ITEMS:
                items = value.items() if kind is dict else enumerate(value)
                for key, item in items:
                    if type(item) not in _ATOMS and (found := self.text(item)) is not None:
                        yield f"{name}[{text(key)}]", found
        elif (found := self.text(value)) is not None:
            yield name, found


def _how(kind: type) -> int:
    """Return the number of the reader for this type; 0 if there is none."""
    module, name = kind.__module__, kind.__qualname__
    if module.startswith("multiprocessing."):
        sharedctypes = sys.modules.get("multiprocessing.sharedctypes")
        if sharedctypes is not None and issubclass(kind, sharedctypes.SynchronizedBase):
            return 1
        if module == "multiprocessing.shared_memory":
            return {"SharedMemory": 2, "ShareableList": 3}.get(name, 0)
        return 0
    if issubclass(kind, (_SIMPLE, _ctypes.Array, _ctypes.Structure)):
        return 4
    return 5 if kind is mmap.mmap else 6 if kind is memoryview else 0


def _of_ctypes(value: Any, depth: int = MAX_DEPTH) -> str | None:
    """Return the text of a raw value. Those in shared memory know their piece of it."""
    if isinstance(value, _SIMPLE):
        return text(value.value)
    if isinstance(value, _ctypes.Array):
        raw = value[:MAX_ITEMS]
        items = [(_of_ctypes(each) if isinstance(each, _ctypes.Structure) else text(each)) or "?" for each in raw]
        rest = f", … ({len(value)}, {hash(bytes(value)) & 0xFFFF:04x})" if len(value) > MAX_ITEMS else ""
        inner = ", ".join(items) if not isinstance(raw, (bytes, str)) else ""
        return text(raw) if isinstance(raw, (bytes, str)) else f"[{inner}{rest}]"
    if isinstance(value, _ctypes.Structure) and depth:
        parts = [(field[0], getattr(value, field[0])) for field in type(value)._fields_]
        return "{" + ", ".join(f"{name}: {_of_ctypes(part, depth - 1) or text(part)}" for name, part in parts) + "}"
    return None


def _of_raw(value: Any) -> str | None:
    return _of_ctypes(value) if "_wrapper" in value.__dict__ else None


def _of_bytes(memory: memoryview | mmap.mmap) -> str:
    """Return the text of the first bytes, without zeros at the end."""
    held = bytes(memory[:_MAX_LOOKED]).rstrip(b"\0")
    rest = f"… ({hash(held) & 0xFFFF:04x})" if len(held) > _MAX_BYTES else ""
    return f"{held[:_MAX_BYTES]!r}{rest}"


def _of_view(value: memoryview) -> str | None:
    whole = value.obj
    return _of_bytes(value.cast("B") if value.format != "B" else value) if type(whole) is mmap.mmap else None


_READERS: dict[int, Callable[[Any], str | None]] = {
    1: lambda value: _of_ctypes(interpreter.value_of(value)),
    2: lambda value: _of_bytes(interpreter.bytes_of(value)),
    3: lambda value: text(list(value)),
    4: _of_raw,
    5: _of_bytes,
    6: _of_view,
}


class Watch:
    """Finds what has changed in the variables that a line can reach: those of its function, and of its module."""

    def __init__(self) -> None:
        self._shared = Shared()
        #: The simple variables of each frame that was not left yet, by its id, as they were last seen; and those of
        #: modules.
        self._known: dict[int, dict[str, tuple[Any, str]]] = {}
        #: The shared values when the turn began, and the variables in which they are.
        self._before: dict[str, str] = {}
        self.held: list[tuple[str, Any]] = []
        #: Whether all that can be reached is known; if not, the ids of the unknown objects.
        self.complete = True
        self.objects: list[int] = []

    def begin(self) -> None:
        """Begin a turn. Changes of shared variables until now were made by others."""
        self._before = {}
        for name, value in self.held:
            self._before.update(self._shared.parts(name, value))

    def changes(self, frame: int, local: Mapping[str, Any], world: Mapping[str, Any]) -> list[str]:
        """Return the changes since the last call, or since the turn began. For each there are four fields: name, value
        before, value now ("": none), "1" if shared."""
        found: list[str] = []
        shared: dict[str, str] = {}
        self.held, self.complete, self.objects = [], True, []
        self._look(frame, local, shared, found)
        if local is not world:
            self._look(-id(world), world, shared, found)
        self._before = shared
        return found

    def forget(self, frame: int) -> None:
        """Forget a frame that was left."""
        self._known.pop(frame, None)

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The shared values as they were last seen."""
        return tuple(self._before.items())

    def of_frame(self, frame: int) -> tuple[tuple[str, str], ...]:
        """Return the simple values of a frame as they were last seen."""
        return tuple((name, known[1]) for name, known in self._known.get(frame, {}).items())

    def _look(self, frame: int, variables: Mapping[str, Any], shared: dict[str, str], found: list[str]) -> None:
        known = self._known.get(frame)
        fresh = known is None
        if known is None:
            known = self._known[frame] = {}
        for name, value in [*variables.items()]:
            kind = type(value)
            if kind in _BORING or name[:2] == "__":
                continue
            before = known.get(name)
            if kind in _ATOMS:
                if before is not None and before[0] is value:
                    continue
                kept, now = value, _atom(value)
            else:
                kept, written = None, self._look_into(name, value, kind, frame, shared, found)
                if written is None:
                    known.pop(name, None)
                    continue
                now = written
            known[name] = kept, now
            if (before is None or before[1] != now) and not (fresh and frame < 0):
                found += (name, before[1] if before is not None else "", now, "")
        if len(known) > len(variables):
            for name in [name for name in known if name not in variables]:
                del known[name]

    def _look_into(
        self, name: str, value: Any, kind: type, frame: int, shared: dict[str, str], found: list[str]
    ) -> str | None:
        """Process a variable that is not a plain value: compare its shared parts, and return its text if it is
        simple."""
        parts = [*self._shared.parts(name, value)]
        for part, now in parts:
            shared[part] = now
            before = self._before.get(part)
            if before is not None and before != now:
                found += (part, before, now, "1")
        if parts:
            self.held.append((name, value))
        written = text(value) if kind in _COLLECTIONS else None
        if written is None and not parts and frame >= 0:
            self.complete = False
            self.objects.append(id(value))
        return written
