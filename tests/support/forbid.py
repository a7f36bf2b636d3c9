"""Runs a command to which some system calls are forbidden, as in a strict container: a seccomp filter (x86-64)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

#: The numbers of x86-64.
CALLS = {
    "ioctl": 16, "socketpair": 53, "setsid": 112, "setpriority": 141, "sched_setscheduler": 144, "prctl": 157,
    "setrlimit": 160, "sched_setaffinity": 203, "waitid": 247, "timerfd_create": 283, "signalfd4": 289,
    "epoll_create1": 291, "perf_event_open": 298, "prlimit64": 302, "pidfd_send_signal": 424, "pidfd_open": 434,
    "pidfd_getfd": 438, "process_vm_readv": 310, "landlock_create_ruleset": 444,
}  # fmt: skip
CAN = sys.platform == "linux" and platform.machine() == "x86_64"

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


def forbid(*numbers: int, error: int = 1) -> None:
    """From now on these calls fail for this process and all that it starts. It is set up by prctl, which may be one."""
    code = [struct.pack("HBBI", _LOAD, 0, 0, 0)]  # the number of the call
    code += [struct.pack("HBBI", _EQUAL, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    code += [struct.pack("HBBI", _RETURN, 0, 0, _ALLOW), struct.pack("HBBI", _RETURN, 0, 0, _REFUSE | error)]
    program = ctypes.create_string_buffer(b"".join(code))
    head = struct.pack("HxxxxxxP", len(code), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _FILTER, head, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    forbid(*(CALLS[name] for name in sys.argv[1].split(",")))
    os.execvp(sys.argv[2], sys.argv[2:])
