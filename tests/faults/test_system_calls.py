"""What a program without handlers sees of being stopped and continued: the README tells it in a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.procs import children, state
from tests.support.run import until

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

#: A process for each call; it is stopped and continued in the middle of it, and tells how the call came back.
_CALLS = """
import ctypes, errno, os, select, signal, socket, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
soon = struct.pack("ll", 1, 0)  # a timespec or a timeval: one second
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
here, there = socket.socketpair()
here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, soon)
reading, writing = os.pipe()
epoll = select.epoll()
byte, event = ctypes.create_string_buffer(1), ctypes.create_string_buffer(64)
usr1 = struct.pack("Q", 1 << signal.SIGUSR1 - 1) + bytes(120)
calls = {
    "nanosleep": lambda: libc.nanosleep(soon, None),
    "poll": lambda: libc.poll(None, 0, 1000),
    "select": lambda: libc.select(0, None, None, None, soon),
    "read": lambda: libc.read(reading, byte, 1),
    "epoll_wait": lambda: libc.epoll_wait(epoll.fileno(), event, 1, 1000),
    "sigtimedwait": lambda: libc.sigtimedwait(usr1, None, soon),
    "recv with a time-out": lambda: libc.recv(here.fileno(), byte, 1, 0),
}
for name, call in calls.items():
    if os.fork() == 0:
        interrupted = call() < 0 and ctypes.get_errno() == errno.EINTR
        os.write(1, f"{name}: {'EINTR' if interrupted else 'goes on'}\\n".encode())
        os._exit(0)
os.write(1, b"all there\\n")
sys.stdin.read()
os.write(writing, b".")
for _ in calls:
    os.wait()
"""


def test_f21_what_a_c_program_sees_of_its_slices() -> None:
    caller = subprocess.Popen([sys.executable, "-c", _CALLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with caller:
        assert caller.stdin is not None
        assert caller.stdout is not None
        assert caller.stdout.readline() == "all there\n"
        sleepers = children(caller.pid)
        until(lambda: all(state(os_pid) == "S" for os_pid in sleepers), "each is in its call")
        for number, letter in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")):
            for os_pid in sleepers:
                os.kill(os_pid, number)
            until(lambda: all(state(os_pid) in (letter, "Z", "") for os_pid in sleepers), f"all are {letter}")  # noqa: B023
        caller.stdin.close()
        said = dict(line.strip().split(": ") for line in caller.stdout)
    assert said == {
        **dict.fromkeys(("nanosleep", "poll", "select", "read"), "goes on"),
        **dict.fromkeys(("epoll_wait", "sigtimedwait", "recv with a time-out"), "EINTR"),
    }
