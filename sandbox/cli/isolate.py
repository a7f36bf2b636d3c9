"""Runs a command in a forked copy of this process: where somebody's policy hangs so that nothing but the end of its
process helps, or ends it, the process that a person has started is still there to say so.

It is not a ``Worker``: it has the terminal, the standard streams and the work of the command, and tells no messages.
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

#: Bytes of its last words: what a pipe holds. A stack is cut before it fills one.
_MAX_WORDS = 1 << 16
#: Bytes of the very last word, which tells that the command has come to its end, and was not ended.
_DONE = 16


def isolated(command: Callable[[int], int]) -> int:
    """The exit status of a command, which is given the descriptor for its last words. Only in a process without other
    threads."""
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
    """Its exit status, once it has ended; minus the signal that ended it. What other processes tell us is meant for it;
    what the terminal tells us it hears itself."""
    while True:
        heard = signal.sigwaitinfo({*ENDING, signal.SIGCHLD})
        if heard.si_signo in ENDING:
            if heard.si_code <= 0:  # SI_USER and its like
                os.kill(child, heard.si_signo)
            continue
        os_pid, status = os.waitpid(child, os.WNOHANG)
        if os_pid:
            return os.waitstatus_to_exitcode(status)


def _outcome(status: int, last_words: int, done: bytes) -> int:
    """What we end with, and why if it could not say so; shells have a status for each signal."""
    os.set_blocking(last_words, False)
    words = b""
    with suppress(BlockingIOError):  # somebody of its may live on, and hold the other end
        words = os.read(last_words, _MAX_WORDS)
    if status >= 0 and words.endswith(done):
        return status
    if -status in (*ENDING, signal.SIGPIPE):  # it was asked to, or has nobody left to talk to
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
