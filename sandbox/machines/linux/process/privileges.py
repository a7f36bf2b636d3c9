"""Programs that gain privileges when they are executed (sudo, su, ping): as a rule nothing that we start may, because
we could neither stop nor end what runs under another user. What they do instead is refuse, so that is told at once."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import shutil
import stat
from collections.abc import Iterable

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import executable
from sandbox.machines.reports import Reports
from sandbox.model.spec import ProcessSpec

#: Where a file has rights of its own (``setcap``), as ping has them on some systems.
_CAPABILITIES = "security.capability"


class Privileges:
    """Tells, once for each name, of programs that are denied what they need; ``permitted``: nothing is denied."""

    def __init__(self, permitted: bool, reports: Reports) -> None:
        self._reports = reports
        self._permitted = permitted or os.geteuid() == 0  # who is root needs no more
        self._told: set[str] = set()

    def expect(self, specs: Iterable[ProcessSpec]) -> None:
        """These will be started."""
        for spec in specs:
            if spec.command is not None and not self._permitted:
                self._look_at(shutil.which(spec.command[0]), spec.name)

    def look_at(self, child: Child) -> None:
        """It has become another program."""
        if not self._permitted:
            self._look_at(executable(child.os_pid), child.spec.name)

    def _look_at(self, path: str | None, name: str) -> None:
        if path and name not in self._told and gains_privileges(path):
            self._told.add(name)
            self._reports.fault(None, "no new privileges", name=name)


def gains_privileges(path: str) -> bool:
    """Whether a program has other rights than who executes it."""
    try:
        if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
            return True
        return _CAPABILITIES in os.listxattr(path)
    except OSError:
        return False
