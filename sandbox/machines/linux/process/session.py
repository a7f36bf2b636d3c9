"""The session of a program, led by a process that does nothing else.

When the process that leads a session ends, the system hangs up on all that is left of it in the foreground: an orphan,
a daemon, the rest of a pipeline. A program that a shell has started leads none, so what it leaves behind lives on. Here
there is no shell; a small process leads in its place, for as long as the terminal lasts, and the program has the
signals at their defaults and a process group in the foreground, as a shell gives them.
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

#: How ``ps`` shows the process that leads.
LEADER = "ossandbox-tty"
#: What we are told: the os_pid of the program.
_NEWS = struct.Struct("i")


def begin_session(terminal: int, parent: int, news: int) -> None:
    """In a new process: lead a session on a terminal, and return in a second one, whose ``parent`` is the same, in a
    process group of its own in the foreground. ``news``: where it is told which that is.

    Where there can be no second one, this one goes on, and it and its descendants ignore the hanging up.
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
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})  # it would stop us: we are in the background still
    os.tcsetpgrp(0, os.getpid())


def _lead() -> NoReturn:
    """Last until the terminal is hung up, which we do by closing our end, or until our parent dies."""
    libc.set_name(LEADER)
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGHUP})
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    while True:
        signal.pause()


def read_news(news: int) -> int:
    """The os_pid of the program that was begun. Raises OSError if none was."""
    told = os.read(news, _NEWS.size)
    if len(told) < _NEWS.size:
        raise OSError(0, N_("ended before its start"))
    return int(_NEWS.unpack(told)[0])
