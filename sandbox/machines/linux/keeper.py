"""The keeper, a process between the terminal's process and the kernel process that cleans up if both are killed.

When one of those two ends, it ends the other one and all remaining processes. All of its descendants are ours, because
it had none before. It is a subreaper since before its own ``exec`` (``link.guardians``), so it inherits all orphans.
During a run it only waits, with a few megabytes of memory; therefore it imports nothing large.

Protocol of the control socket: first it receives a message and a command, separated by NUL; the message reports how
many processes (``{number}``) are still there. Then it sends the os_pid of the kernel process. Each further byte that it
receives makes it continue the kernel process; at the end of the socket it ends everything.
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

#: Its name in ``ps`` and ``top``.
NAME = "ossandbox-keep"
#: The greatest length of a message in bytes.
MAX_MESSAGE = 1 << 16
_CONTINUE = b"c"
#: How often to check whether the kernel process has ended, on systems without pidfd_open.
_LOOK_MS = 50
#: Signals that ask a process to end. They are ignored: the keeper ends with the run.
_ENDING = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM)


def main(control: int, link: int, errors: int, parent: int, talks: bool) -> NoReturn:
    """Run the keeper.

    ``link`` and ``errors``: the kernel process's end of the link, and its standard error; ``parent``: the terminal's
    process; ``talks``: whether standard error may be used while that is alive; if not, that is in full screen.
    """
    try:
        for number in _ENDING:
            _signal.signal(number, _signal.SIG_IGN)
        with open("/proc/self/comm", "w") as comm:
            comm.write(NAME)
        remain, *command = os.read(control, MAX_MESSAGE).decode(errors="surrogateescape").split("\0")
        if not command or os.getppid() != parent:
            os._exit(0)
        kernel = _start(command, control, link, errors)
        clean = _wait(control, kernel)
        _end(kernel, clean, lambda n: _say(remain.format(number=n), talks or os.getppid() != parent))
    except BaseException as error:
        os.write(errors, f"{NAME}: {error}\n".encode(errors="replace"))
        end_descendants()
        os._exit(1)
    os._exit(0)


def _start(command: list[str], control: int, link: int, errors: int) -> int:
    """Start the kernel process, and send its os_pid."""
    kernel = os.fork()
    if kernel == 0:
        _become(command, link, errors)
    os.close(link)
    try:
        os.write(control, str(kernel).encode())
    except OSError as error:
        if error.errno != EPIPE:  # the parent is gone, which is noticed next
            raise
    return kernel


def _become(command: list[str], link: int, errors: int) -> NoReturn:
    try:
        try:
            os.setsid()
        except OSError:  # not permitted; the first child that needs a session reports it
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
    """Wait until the kernel process has ended, or the terminal's process has ended or closed the control socket.
    Returns whether the kernel process has exited with 0."""
    poll, pidfd = select.poll(), -1
    poll.register(control, select.POLLIN)
    try:
        pidfd = os.pidfd_open(kernel)
        poll.register(pidfd, select.POLLIN)
    except OSError:  # an old kernel, or not permitted
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
    except ConnectionResetError:  # the parent has ended before reading the os_pid
        return b""


def _end(kernel: int, clean: bool, say: Callable[[int], None]) -> None:
    """End all remaining processes. ``clean``: the kernel process has cleaned up itself."""
    _signal_group(kernel, _signal.SIGKILL)
    os.waitpid(kernel, 0)
    if not clean:
        _end_groups()
    end_descendants(say=say)
    if not clean:
        _end_groups()  # groups that were not empty before
        _remove_rooms()


def _signal_group(kernel: int, number: int) -> None:
    """Send a signal to the kernel process, and to the process between it and us, if any."""
    try:
        os.killpg(kernel, number)
    except ProcessLookupError:  # it has no session of its own, or not yet
        os.kill(kernel, number)


def _end_groups() -> None:
    """Kill the processes in control groups of killed runs at once, so that forking does not help them."""
    sys.dont_write_bytecode = True
    try:
        from sandbox.machines.linux.cgroup import sweep  # large, and rarely needed

        sweep()
    except Exception:  # the other ways of cleaning up do not depend on it
        return


def _remove_rooms() -> None:
    """Remove the private folders of killed runs."""
    try:
        from sandbox.machines.linux.stepping import rooms

        rooms.sweep()
    except Exception:  # as above
        return


def _say(text: str, may: bool = True) -> None:
    """Print a line on standard error if that does not block."""
    if may and select.select([], [2], [], 0)[1]:
        try:
            os.write(2, f"ossandbox: {text}\n".encode(errors="replace")[: select.PIPE_BUF])
        except OSError:
            pass
