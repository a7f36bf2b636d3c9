"""A pid namespace for a kernel process and all that descends from it (``--strict``)."""

from __future__ import annotations

import os
import subprocess
import sys


def own_pid_namespace() -> list[str]:
    """Return the command that runs another one as the first process of a pid namespace. Its own process stays the
    parent, is killed when the caller dies, and the namespace ends with it."""
    if sys.platform == "win32":
        raise NotImplementedError
    who = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    arm = ["setpriv", "--pdeathsig", "KILL", "--"]
    return [*arm, "unshare", *who, "--pid", "--fork", "--mount-proc", "--kill-child", "--"]


def can_be_strict() -> bool:
    """Whether this system permits a pid namespace."""
    try:
        return (
            subprocess.run([*own_pid_namespace(), "true"], capture_output=True, timeout=5, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
