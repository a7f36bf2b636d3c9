"""Announces the locks of ``multiprocessing`` (see ``lock_names``): the process, the address and the name of each when
it is created. The owner can be read from the object itself; the line in which it was taken is written to shared words.
Spawned processes announce their own locks.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.programs.lock_names import Notes, Place, _frame, _made
    from sandbox.programs.thread_locks import _NOWHERE, _WORDS, FILE_AT, _free, _if_ours, _leave, _number


def wrap_multiprocessing(module: "Any", notes: "Notes") -> None:
    """Announce each of the module's locks when it is created."""
    kind = getattr(module, "SemLock", None)
    make = getattr(kind, "_make_methods", None)
    if kind is None or make is None:
        return
    take: Any = kind.__enter__
    library = os.path.dirname(getattr(module, "__file__", "")) + os.sep

    def make_methods(lock: "Any") -> None:
        make(lock)
        semaphore, word = lock._semlock, 0
        try:
            word = _word(id(semaphore)) if notes.lines else 0
            notes.write(f"{id(semaphore):x} {word:x} {_name(kind, library, notes)}")
        except Exception as error:
            _if_ours(error)
        if word:
            lock.acquire = _noting(semaphore.acquire, word)

    def enter(lock: "Any") -> object:
        try:
            word, where = _taken_at.get(id(lock._semlock), _NOWHERE), _here(_frame(1))
            got = take(lock)
        except BaseException as error:
            _leave(error)
            raise
        _WORDS[word] = where
        return got

    kind._make_methods = make_methods
    if notes.lines:
        kind.__enter__ = enter


#: By the address of a semaphore object: the index of the word that tells where it was taken.
_taken_at: dict[int, int] = {}


def _word(semaphore: int) -> int:
    """Return the index of a semaphore's word; 0 if none is left. The word of a freed semaphore is reused by the next
    one at the same address."""
    if semaphore not in _taken_at and len(_free) > 1:
        _taken_at[semaphore] = _free.pop()
    return _taken_at.get(semaphore, 0)


def _here(frame: "Any") -> int:
    where: int = _number(frame.f_code.co_filename) << FILE_AT | frame.f_lineno
    return where


def _noting(take: "Any", word: int) -> object:
    """Return a function that takes the semaphore, and then notes the line of the caller."""

    def acquire(*limits: object, **named: object) -> object:
        try:
            where = _here(_frame(1))
            got = take(*limits, **named)
        except BaseException as error:
            _leave(error)
            raise
        if got:
            _WORDS[word] = where
        return got

    return acquire


def _name(kind: type, library: str, notes: "Notes") -> str:
    """Return the name of the lock that is being created; "?" for one that was received from another process, which has
    announced it."""
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
    """Is pickled with the preparation data of a spawned process, and installs the announcements there."""

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
    """Let spawned processes announce their locks, too."""
    prepare = module.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, object]:
        return {**prepare(name), "locks": _Come(notes.path)}

    module.get_preparation_data = get_preparation_data
