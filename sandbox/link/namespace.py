"""A pid namespace for a kernel process and all that descends from it (``--strict``)."""

from __future__ import annotations

import os
import subprocess
import sys


def own_pid_namespace() -> list[str]:
    """The command that starts another one as the first process of a pid namespace. It stays in between, dies with
    the process that started it, and takes the namespace with it."""
    if sys.platform == "win32":
        raise NotImplementedError
    who = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    arm = ["setpriv", "--pdeathsig", "KILL", "--"]
    return [*arm, "unshare", *who, "--pid", "--fork", "--mount-proc", "--kill-child", "--"]


def can_be_strict() -> bool:
    """Whether this system lets us have a pid namespace."""
    try:
        return (
            subprocess.run([*own_pid_namespace(), "true"], capture_output=True, timeout=5, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
