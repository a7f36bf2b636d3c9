"""The session of a program, with a leader that does nothing else.

When a session leader exits, the system sends SIGHUP to the rest of the foreground group: an orphan, a daemon, the rest
of a pipeline. A program that was started by a shell is no session leader, so what it leaves behind lives on. Here there
is no shell. A small process is the session leader in its place, for as long as the terminal exists, and the program
gets default signals and a process group in the foreground, as from a shell.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import struct
from typing import NoReturn

from sandbox.i18n import N_
from sandbox.machines.console import take_console
from sandbox.util import libc

#: The name of the leader in ``ps``.
LEADER = "ossandbox-tty"
#: The os_pid of the program, as written to the ``news`` pipe.
_NEWS = struct.Struct("i")


def begin_session(terminal: int, parent: int, news: int) -> None:
    """Make this new process the leader of a session on a terminal, and return in a second new process, the program's.

    The program's process has the same ``parent``, and its own process group in the foreground. Its os_pid is written to
    ``news``. If there can be no second process, the call returns in the first one, which then ignores SIGHUP, and so do
    its descendants.
    """
    os.setsid()
    take_console(terminal)
    try:
        os_pid = libc.fork_sibling()
    except OSError:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.write(news, _NEWS.pack(os.getpid()))
        return
    if os_pid:
        os.write(news, _NEWS.pack(os_pid))
        _lead()
    if not libc.end_with_parent(parent):
        os._exit(1)
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})  # it would stop us, since we are still in the background
    os.tcsetpgrp(0, os.getpid())


def _lead() -> NoReturn:
    """Sleep until the terminal is hung up, which happens when we close our side, or until our parent dies."""
    libc.set_name(LEADER)
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGHUP})
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    while True:
        signal.pause()


def read_news(news: int) -> int:
    """Read the os_pid of the program that was begun. Raises OSError if none was."""
    told = os.read(news, _NEWS.size)
    if len(told) < _NEWS.size:
        raise OSError(0, N_("ended before its start"))
    return int(_NEWS.unpack(told)[0])
