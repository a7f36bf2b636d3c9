"""The room of a stepped run: a copy of the scenario's folder, which is restored before each run.

The copy is made once. Before the next run only files that have changed are restored.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import shutil
from collections.abc import Callable, Collection
from functools import partial

from sandbox.model.spec import MAX_FILES
from sandbox.util.paths import files_below

#: Folders of compiled files, which are kept for the next run.
_CACHE = "__pycache__"
#: The maximum number of files that a program may make in its room.
_MANY = 100_000
#: How many bytes of two files are compared at once.
_PART = 1 << 18


class Room:
    """A copy of the ``original`` folder. ``folder``: the copy; ``place``: the new folder that contains it."""

    def __init__(self, folder: str, place: str) -> None:
        """Make the copy. Raises OSError."""
        self.original = folder
        self._files = {name for name in files_below(folder, MAX_FILES) if os.path.isfile(os.path.join(folder, name))}
        self.place = place
        os.mkdir(place, 0o700)
        self.folder = os.path.join(self.place, os.path.basename(folder) or "run")
        #: For each file, what tells whether it was changed.
        self._marks: dict[str, tuple[int, ...]] = {}
        #: Returns the names of files that may have changed since the last call, if the folder is watched (None:
        #: unknown, so all files are checked).
        self.touched: Callable[[], Collection[str] | None] = lambda: None
        try:
            os.mkdir(self.folder)
            for name in self._files:
                self._bring(name)
        except OSError:
            self.close()
            raise

    def at_home(self, text: str) -> str:
        """Replace the path of the copy, which is a different one in each run, by that of the original."""
        return text.replace(self.folder, self.original)

    def renew(self) -> None:
        """Restore the initial state of all files."""
        touched = self.touched()
        if touched is not None:
            for name in touched:
                self._restore(name)
            self.touched()  # what was restored is not touched any more
            return
        found = {*files_below(self.folder, _MANY)}
        for name in found - self._files:
            _remove(os.path.join(self.folder, name))
        for name in self._files:
            if name not in found or self._is_changed(name):
                self._bring(name)
        for path, _, _ in os.walk(self.folder, topdown=False):
            inner = os.path.relpath(path, self.folder)
            if not os.path.isdir(os.path.join(self.original, inner)) and _CACHE not in inner:
                shutil.rmtree(path, ignore_errors=True)

    def _restore(self, name: str) -> None:
        path = os.path.join(self.folder, name)
        if name not in self._files:
            _remove(path)
        elif not os.path.lexists(path) or self._is_changed(name):
            self._bring(name)

    def _is_changed(self, name: str) -> bool:
        """Whether a file is not as it was copied. Changes by way of mapped memory may leave its times as they were."""
        path = os.path.join(self.folder, name)
        if _mark(path) != self._marks.get(name):
            return True
        with open(path, "rb") as file, open(os.path.join(self.original, name), "rb") as original:
            return any(part != original.read(_PART) for part in iter(partial(file.read, _PART), b""))

    def close(self) -> None:
        """Remove the room."""
        shutil.rmtree(self.place, ignore_errors=True)

    def _bring(self, name: str) -> None:
        target = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _remove(target)
        shutil.copy2(os.path.join(self.original, name), target)
        self._marks[name] = _mark(target)


def _mark(path: str) -> tuple[int, ...]:
    facts = os.lstat(path)
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
