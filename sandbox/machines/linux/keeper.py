"""The keeper: the third guardian, between the terminal's process and the kernel process, for when both are killed.

Whichever of those two ends, it ends the other one and all that is left. Nothing was there before it, so all that
descends from it is ours; it is a subreaper from before its own ``exec`` (``link.guardians``), so all that is left
comes to it. While a run lasts it does nothing but wait, in a few megabytes: nothing is imported that costs one.

The control socket: first what to start comes, a sentence that says that so many processes (``{number}``) are still
there and a command, all words with a NUL between them; then the number of the kernel process goes back; each byte after
that has the kernel process continued, and the end of the socket has everything ended.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _signal  # ``signal`` makes enumerations of this: a megabyte
import os
import select
from errno import EPIPE

from sandbox.machines.linux.process.sweep import end_descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

#: What ``ps`` and ``top`` call it.
NAME = "ossandbox-keep"
#: A message is no longer than this, in bytes.
MAX_MESSAGE = 1 << 16
_CONTINUE = b"c"
#: Where the system has no descriptor for a process, its end is looked for so often.
_LOOK_MS = 50
#: They ask a process to end; its own end is the run's.
_ENDING = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM)


def main(control: int, link: int, errors: int, parent: int, talks: bool) -> NoReturn:
    """The whole life of the keeper, a process of its own.

    ``link`` and ``errors``: the kernel process's end of the link, and what becomes its standard error; ``parent``: the
    terminal's process; ``talks``: whether standard error is ours while that lives, too.
    """
    try:
        for number in _ENDING:
            _signal.signal(number, _signal.SIG_IGN)
        with open("/proc/self/comm", "w") as comm:
            comm.write(NAME)
        sentence, *command = os.read(control, MAX_MESSAGE).decode(errors="surrogateescape").split("\0")
        if not command or os.getppid() != parent:
            os._exit(0)
        kernel = _start(command, control, link, errors)
        clean = _wait(control, kernel)
        _end(kernel, clean, lambda number: _say(sentence.format(number=number), talks or os.getppid() != parent))
    except BaseException as error:
        os.write(errors, f"{NAME}: {error}\n".encode(errors="replace"))
        end_descendants()
        os._exit(1)
    os._exit(0)


def _start(command: list[str], control: int, link: int, errors: int) -> int:
    """Bear the kernel process, and tell who it is."""
    kernel = os.fork()
    if kernel == 0:
        _become(command, link, errors)
    os.close(link)
    try:
        os.write(control, str(kernel).encode())
    except OSError as error:
        if error.errno != EPIPE:  # there is nobody any more: the next look tells us
            raise
    return kernel


def _become(command: list[str], link: int, errors: int) -> NoReturn:
    try:
        try:
            os.setsid()
        except OSError:  # it is forbidden: the first child that wants a session says so
            pass
        for number in _ENDING:
            _signal.signal(number, _signal.SIG_DFL)
        os.dup2(errors, 2)
        os.set_inheritable(link, True)
        os.execvp(command[0], command)
    except BaseException as error:
        os.write(errors, f"{command[0]}: {error}\n".encode(errors="replace"))
    os._exit(1)


def _wait(control: int, kernel: int) -> bool:
    """Until the terminal's process or the kernel process has ended: whether it was the latter, as it should."""
    poll, pidfd = select.poll(), -1
    poll.register(control, select.POLLIN)
    try:
        pidfd = os.pidfd_open(kernel)
        poll.register(pidfd, select.POLLIN)
    except OSError:  # an old system, or a forbidden call
        pass
    while True:
        ready = [descriptor for descriptor, _ in poll.poll(None if pidfd >= 0 else _LOOK_MS)]
        end = os.waitid(os.P_PID, kernel, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end is not None:
            return end.si_code == os.CLD_EXITED and end.si_status == 0
        if control in ready:
            if _heard(control) != _CONTINUE:
                return False
            _signal_group(kernel, _signal.SIGCONT)


def _heard(control: int) -> bytes:
    try:
        return os.read(control, 1)
    except ConnectionResetError:  # it has ended before it has read who the kernel process is
        return b""


def _end(kernel: int, clean: bool, say: Callable[[int], None]) -> None:
    """Leave nothing. ``clean``: the kernel process has."""
    _signal_group(kernel, _signal.SIGKILL)
    os.waitpid(kernel, 0)
    if not clean:
        _end_groups()
    end_descendants(say=say)
    if not clean:
        _end_groups()  # one that was not empty yet
        _remove_rooms()


def _signal_group(kernel: int, number: int) -> None:
    """The kernel process, and what stands between it and us."""
    try:
        os.killpg(kernel, number)
    except ProcessLookupError:  # it has no session of its own, or not yet
        os.kill(kernel, number)


def _end_groups() -> None:
    """End what lives in control groups of dead runs: all at once, so nobody forks faster."""
    sys.dont_write_bytecode = True
    try:
        from sandbox.machines.linux.cgroup import sweep  # large, and seldom needed

        sweep()
    except Exception:  # whatever is missing, the rest does without
        return


def _remove_rooms() -> None:
    """Remove the copies of folders that dead runs have had for themselves."""
    try:
        from sandbox.machines.linux.stepping import rooms

        rooms.sweep()
    except Exception:  # as above
        return


def _say(text: str, may: bool) -> None:
    """A line on standard error, if it takes one at once: nothing is worth waiting for."""
    if may and select.select([], [2], [], 0)[1]:
        try:
            os.write(2, f"ossandbox: {text}\n".encode(errors="replace")[: select.PIPE_BUF])
        except OSError:
            pass
