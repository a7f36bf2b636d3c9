"""A command in a process of its own: where somebody's policy hangs so that nothing but its end helps, the process that
a person has started is still there to say so."""

from __future__ import annotations

import os
import signal
import sys

from sandbox.cli.exits import FAILED
from sandbox.util.timeout import ALARM

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Whoever ends by one of these was asked to, or has nobody left to talk to.
_EXPECTED = (*_PASSED_ON, signal.SIGPIPE)
_WORDS_MOST = 1 << 16
_HEARD = {*_PASSED_ON, signal.SIGCHLD}


def fork_worker() -> int | None:
    """In the process that does the work None, in the other one its exit status, when that is known. Not for processes
    with threads; where the system cannot tell who sends a signal, one process does it all."""
    if sys.platform != "linux":
        return None
    from sandbox.util import libc

    last_words, ALARM.last_words = os.pipe()  # a stack is cut before it fills a pipe
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    parent, worker = os.getpid(), os.fork()
    if worker:
        os.close(ALARM.last_words)
        return _outcome(_wait(worker), last_words)
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return None


def _wait(worker: int) -> int:
    """Its exit status, once it has ended; minus the signal that ended it. What other processes tell us is meant for it;
    what the terminal tells us it hears itself."""
    while True:
        heard = signal.sigwaitinfo(_HEARD)
        if heard.si_signo in _PASSED_ON:
            if heard.si_code <= 0:  # SI_USER and its like
                os.kill(worker, heard.si_signo)
            continue
        os_pid, status = os.waitpid(worker, os.WNOHANG)
        if os_pid:
            return os.waitstatus_to_exitcode(status)


def _outcome(status: int, last_words: int) -> int:
    """What we end with, and why if it could not say so; shells have a status for each signal."""
    if status >= 0:
        return status
    if -status in _EXPECTED:
        return 128 - status
    from sandbox import wording
    from sandbox.link.postmortem import cause_of_end
    from sandbox.render.terminal import complain, quote

    cause = cause_of_end(os.read(last_words, _WORDS_MOST).decode(errors="replace"))
    complain(wording.fault(cause))
    if "traceback" in cause.figures:
        quote(str(cause.figures["traceback"]))
    return FAILED if -status == signal.SIGPROF else 128 - status
