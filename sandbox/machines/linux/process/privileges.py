"""Tells the operator of programs that would gain privileges when executed (sudo, su, ping).

As a rule they are denied that, because we could neither stop nor kill a process of another user. Such programs then
refuse to work, so the reason is reported at once.
"""

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

#: The extended attribute of files with capabilities of their own (``setcap``), such as ping on some systems.
_CAPABILITIES = "security.capability"


class Privileges:
    """Reports, once per name, programs that are denied privileges. ``permitted``: nothing is denied, nor reported."""

    def __init__(self, permitted: bool, reports: Reports) -> None:
        self._reports = reports
        self._permitted = permitted or os.geteuid() == 0  # root gains nothing
        self._told: set[str] = set()

    def expect(self, specs: Iterable[ProcessSpec]) -> None:
        """Report programs that will be started, if necessary."""
        for spec in specs:
            if spec.command is not None and not self._permitted:
                self._look_at(shutil.which(spec.command[0]), spec.name)

    def look_at(self, child: Child) -> None:
        """Report a process that has executed another program, if necessary."""
        if not self._permitted:
            self._look_at(executable(child.os_pid), child.spec.name)

    def _look_at(self, path: str | None, name: str) -> None:
        if path and name not in self._told and gains_privileges(path):
            self._told.add(name)
            self._reports.fault(None, "no new privileges", name=name)


def gains_privileges(path: str) -> bool:
    """Whether executing the program at ``path`` gives it other privileges than those of the calling process."""
    try:
        if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
            return True
        return _CAPABILITIES in os.listxattr(path)
    except OSError:
        return False
