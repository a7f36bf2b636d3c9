"""A copy of the project in which a part of it is put out of order, and its tests there: whether one would notice."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sandbox.machines.linux.process.sweep import end_descendants
from tests.support.run import ROOT

_PR_SET_CHILD_SUBREAPER = 36
#: A test that has not ended after so long has failed.
_PATIENCE_S = 100.0
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__snapshots__", "__pycache__", "screenshots", ".*_cache", ".hypothesis"
)
_COUNTED = re.compile(r"\b(\d+) (passed|failed|skipped|error)")


class Change(NamedTuple):
    """What stands in a file, once, and what is to stand there instead."""

    path: str
    was: str
    now: str

    def made_in(self, text: str) -> str:
        assert text.count(self.was) == 1, f"{self.path}: this is there {text.count(self.was)} times: {self.was}"
        return text.replace(self.was, self.now)


class ChangedProject:
    """The copy. It is as the project is except while tests run in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "project"
        shutil.copytree(ROOT, self._folder, ignore=_LEFT_OUT, symlinks=True)

    def outcomes(self, test: str, changes: Sequence[Change]) -> dict[str, int]:
        """How many tests passed, failed, were skipped; nothing that they have started is left afterwards."""
        before = {change.path: (self._folder / change.path).read_text("utf-8") for change in changes}
        for change in changes:
            path = self._folder / change.path
            path.write_text(change.made_in(path.read_text("utf-8")), "utf-8")
        try:
            return self._run(test)
        finally:
            for name, text in before.items():
                (self._folder / name).write_text(text, "utf-8")

    def _run(self, test: str) -> dict[str, int]:
        command = [sys.executable, "-m", "tests.support.changed", str(self._folder), test]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        counted = {kind: int(number) for number, kind in _COUNTED.findall(done.stdout.rpartition("\n=")[2])}
        assert done.returncode in (0, 1), done.stdout[-2_000:] + done.stderr[-2_000:]
        return counted or {"failed": 1}  # it has not come to its last line


def main(folder: str, test: str) -> int:
    """Run this test there, and end whatever it has left; 0: it passes, 1: it does not, else it could not be run."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    options = ["-x", "--color=no", "--tb=short", "-o", "addopts=", "-p", "no:cacheprovider"]
    options += ["-p", "pytest_timeout", "-p", "pytest_asyncio"]  # no others: to load all takes longer than most tests
    # What is compiled is kept by the second and the size of its source, which one change may have in common with another.
    environment = os.environ | {
        "PYTHONPATH": folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", *options, test]
    with subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True) as tests:
        try:
            return tests.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            tests.send_signal(signal.SIGKILL)
            return 1
        finally:
            tests.poll()
            end_descendants()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
