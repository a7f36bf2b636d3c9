"""Commands that run somewhere else: as an ordinary user, or where parts of the system are missing. Only for root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from shlex import quote

from tests.support.run import OSSANDBOX, ROOT

#: Users whom nobody else is: what they start is counted by the system for each of them alone.
ORDINARY, FEW_PROCESSES = 64_024, 64_025
#: What can be missing, and how it is taken away.
MISSING = {
    "hidepid": "mount -t proc -o hidepid=2 proc /proc",
    "cgroups": "mount -t tmpfs none /sys/fs/cgroup",
    "perf": "",  # by a filter of system calls, which follows the mounts
}


def with_mounts(*lines: str) -> list[str]:
    """The beginning of a command that has the file systems for itself, as these lines of a shell have made them."""
    return ["unshare", "--mount", "sh", "-ec", "\n".join([*lines, 'exec "$@"']), "sh"]


def as_user(user: int, *lines: str) -> list[str]:
    """The beginning of a command that runs as this user, who owns nothing here and may do nothing special, after these
    lines of a shell."""
    lines = (*_ways_in(sys.base_prefix, sys.prefix, str(ROOT)), *lines)
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all", "--"]
    return [*(with_mounts(*lines) if lines else []), *become]


def without(missing: str, user: int | None) -> list[str]:
    """The beginning of a command that does without that; ``user``: whose it is, None: root's."""
    lines = [MISSING[missing]] if MISSING[missing] else []
    begin = as_user(user, *lines) if user is not None else with_mounts(*lines)
    return [*begin, sys.executable, "-m", "tests.support.forbid", "perf_event_open"] if missing == "perf" else begin


def _ways_in(*paths: str) -> list[str]:
    """Lines that let others enter these folders, which may lie in one that is shut, as root's own is; they see nothing
    else of that."""
    lines = []
    for shut in {_shut(path) for path in paths} - {None}:
        lines += [f"mount --bind {quote(str(shut))} /mnt", f"mount -t tmpfs -o mode=755 none {quote(str(shut))}"]
        for inside in {Path(path) for path in paths if _shut(path) == shut}:
            here, there = quote(str(inside)), quote(f"/mnt/{inside.relative_to(str(shut))}")
            lines.append(f"mkdir -p {here} && mount --bind {there} {here}")
        lines.append("umount /mnt")
    return lines


def _shut(path: str) -> Path | None:
    """The outermost folder on the way there that others may not enter."""
    return next((folder for folder in reversed(Path(path).parents) if not folder.stat().st_mode & 0o001), None)


def let_others_in(folder: Path) -> None:
    """Make the way to a test's own folder free."""
    for each in (folder, *folder.parents):
        if each.is_relative_to(tempfile.gettempdir()) and not each.stat().st_mode & 0o001:
            each.chmod(0o755)


@cache
def can_be_user(user: int = ORDINARY) -> bool:
    """Whether we may become somebody else, and whether that user may read what is to run."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    reads = [*as_user(user), *OSSANDBOX, "--version"]
    return subprocess.run(reads, capture_output=True, cwd=ROOT, check=False).returncode == 0


@cache
def can_mount() -> bool:
    """Whether there can be other file systems for one command."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    tries = [*with_mounts(*filter(None, MISSING.values())), "true"]
    return subprocess.run(tries, capture_output=True, check=False).returncode == 0
