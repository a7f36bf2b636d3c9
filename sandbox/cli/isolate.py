"""Runs a command in a forked copy of this process. If a policy hangs in a way that only killing its process ends, or
kills it, the original process can still report it.

In contrast to a ``Worker``, the copy has the terminal and the standard streams, and sends no messages.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from sandbox.cli.exits import FAILED, leave
from sandbox.model.clause import Clause
from sandbox.util.signals import ENDING

#: Bytes of its last words: the capacity of a pipe. A stack is cut before it fills one.
_MAX_WORDS = 1 << 16
#: Bytes of the random word at the end, which tells that the command has ended regularly.
_DONE = 16


def isolated(command: Callable[[int], int]) -> int:
    """Run a command, which gets the descriptor for its last words, and return its exit status. Only for a process
    without other threads."""
    from sandbox.util import libc

    last_words, write_end = os.pipe()
    done = os.urandom(_DONE)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*ENDING, signal.SIGCHLD})
    parent, child = os.getpid(), os.fork()
    if child:
        os.close(write_end)
        return _outcome(_wait(child), last_words, done)
    if not libc.end_with_parent(parent):
        os._exit(FAILED)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        status = command(write_end)
    except SystemExit as end:  # of the parser
        status = end.code if isinstance(end.code, int) else FAILED
    os.write(write_end, done)
    return leave(status)


def _wait(child: int) -> int:
    """Wait for the child and return its exit status, or minus the signal that has killed it. Signals from other
    processes are passed on; the child receives those from the terminal itself."""
    while True:
        heard = signal.sigwaitinfo({*ENDING, signal.SIGCHLD})
        if heard.si_signo in ENDING:
            if heard.si_code <= 0:  # sent by a process: SI_USER, SI_TKILL, …
                os.kill(child, heard.si_signo)
            continue
        os_pid, status = os.waitpid(child, os.WNOHANG)
        if os_pid:
            return os.waitstatus_to_exitcode(status)


def _outcome(status: int, last_words: int, done: bytes) -> int:
    """Return our exit status, as shells do for signals, and print why the child has ended if it could not."""
    os.set_blocking(last_words, False)
    words = b""
    with suppress(BlockingIOError):  # a descendant may still hold the other end
        words = os.read(last_words, _MAX_WORDS)
    if status >= 0 and words.endswith(done):
        return status
    if -status in (*ENDING, signal.SIGPIPE):  # it was asked to end, or its reader has gone
        return 128 - status
    from sandbox import wording
    from sandbox.policies.host.failures import cause_of_end
    from sandbox.render.stderr import complain, quote

    cause = cause_of_end(words.decode(errors="replace"))
    if status >= 0 and cause.rule == "command died":
        cause = Clause("command ended", {"status": status})
    complain(wording.fault(cause))
    if (traceback := cause.text("traceback")) is not None:
        quote(traceback)
    return FAILED if status >= 0 or -status == signal.SIGPROF else 128 - status
