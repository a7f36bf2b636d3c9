"""Which locks of ``multiprocessing`` a program has (see ``lock_names``): each is noted when it is made, in which
process, where in memory, and what the code calls it. The object itself says who has it. What a program spawns notes its
own.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.programs.lock_names import Notes, Place, _frame, _made
    from sandbox.programs.thread_locks import _if_ours


def wrap_multiprocessing(module: "Any", notes: "Notes") -> None:
    """From now on each of its locks is noted when it is made."""
    kind = getattr(module, "SemLock", None)
    make = getattr(kind, "_make_methods", None)
    if kind is None or make is None:
        return
    library = os.path.dirname(getattr(module, "__file__", "")) + os.sep

    def make_methods(lock: "Any") -> None:
        make(lock)
        try:
            notes.write(f"{id(lock._semlock):x} {_name(kind, library, notes)}")
        except Exception as error:
            _if_ours(error)

    kind._make_methods = make_methods


def _name(kind: type, library: str, notes: "Notes") -> str:
    """What the code calls the lock that is being made. One that has come from another process is called so there."""
    frame: Any = _frame(2)
    direct = True
    while frame.f_code.co_filename.startswith(library) and frame.f_back is not None:
        maker = frame.f_locals.get("self")
        if frame.f_code.co_name == "__setstate__":
            return "?"
        direct = direct and (frame.f_code.co_name != "__init__" or isinstance(maker, kind))
        frame = frame.f_back
    here = (frame.f_code.co_filename, frame.f_lineno)
    nth = _made.get(here, 0)
    _made[here] = nth + direct
    return notes.name(Place(frame, nth))


class _Come:
    """Travels to a spawned process with what that needs to begin with, and notes its locks there, too."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> "Any":
        return exec, (_BEGIN.format(folder=os.path.dirname(__file__), notes=self.path), {})


_BEGIN = """
import _frozen_importlib_external as files
file = {folder!r} + "/function.py"
own = {{"__name__": "", "__file__": file}}
exec(files.SourceFileLoader("", file).get_code(""), own)
own["LockNotes"]({notes!r}).install()
"""


def wrap_spawning(module: "Any", notes: "Notes") -> None:
    """From now on those that it spawns do likewise."""
    prepare = module.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, object]:
        return {**prepare(name), "locks": _Come(notes.path)}

    module.get_preparation_data = get_preparation_data
