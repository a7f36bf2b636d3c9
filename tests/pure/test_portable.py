"""What is not of Linux alone can be imported anywhere: simulations, recordings, lessons and the app over them."""

from __future__ import annotations

import subprocess
import sys

#: These know Linux, and are imported only where a real machine is wanted.
LINUX = ("sandbox.machines.linux", "sandbox.link.server", "sandbox.link.watchdog", "sandbox.tui.terminal")

#: A system without what Windows and macOS lack. What is not ours, and is there on every system, is imported first.
ELSEWHERE = """
import sys, os, signal, select, socket, pkgutil, importlib, traceback
import asyncio, atexit, concurrent.futures, faulthandler, multiprocessing, subprocess, tempfile, threading
import msgspec, polib, psutil, rich.console, rich.table, textual.app, textual.widgets, textual.screen, textual.command
from textual.widgets import Button, Footer, Input, Label, Markdown, OptionList, Static

LINUX = {linux!r}
for name in ("fcntl", "termios", "resource", "pwd", "grp", "pty", "tty", "syslog", *LINUX):
    sys.modules[name] = None
for name in (
    *("fork", "forkpty", "fork_exec", "wait", "wait3", "wait4", "waitid", "pidfd_open", "killpg", "nice", "openpty"),
    *("getuid", "geteuid", "getgid", "setsid", "getsid", "getpgid", "setpgid", "getpgrp", "tcgetpgrp", "tcsetpgrp"),
    *("sched_getaffinity", "sched_setaffinity", "sched_setscheduler", "sched_yield", "sched_param", "WNOHANG"),
    *("pipe2", "mkfifo", "posix_spawn", "memfd_create", "eventfd", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "sysconf"),
):
    if hasattr(os, name):
        delattr(os, name)
for name in dir(signal):
    if name.startswith(("SIG", "ITIMER")) and name not in ("SIGINT", "SIGTERM", "SIGABRT", "SIG_DFL", "SIG_IGN"):
        delattr(signal, name)
for name in ("alarm", "setitimer", "getitimer", "pthread_sigmask", "sigwaitinfo", "sigtimedwait", "pidfd_send_signal"):
    delattr(signal, name)
for module, name in ((select, "epoll"), (select, "poll"), (socket, "AF_UNIX"), (faulthandler, "register")):
    if hasattr(module, name):
        delattr(module, name)
sys.platform = "win32"

import sandbox

for module in pkgutil.walk_packages(sandbox.__path__, "sandbox.", onerror=lambda name: None):
    if module.name.startswith(LINUX) or module.name.endswith(".__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        print(f"{{module.name}}: {{type(error).__name__}}: {{error}}, {{line.filename}} line {{line.lineno}}")
"""


def test_only_the_linux_machine_needs_linux() -> None:
    command = [sys.executable, "-c", ELSEWHERE.format(linux=LINUX)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
