"""Why a process is blocked: asked of the system (the call it is in, its arguments, its files), never of the script."""

from __future__ import annotations

import os
import struct
import time

from sandbox.events import Clause
from sandbox.machines.linux.procfs import read_text

_X86_64 = {
    0: "read", 1: "write", 7: "poll", 17: "read", 18: "write", 19: "read", 20: "write", 23: "select",
    34: "signal", 35: "nanosleep", 42: "connect", 43: "accept", 44: "send", 45: "recv", 46: "send",
    47: "recv", 56: "start", 58: "start", 61: "wait4", 65: "semaphore", 72: "lock", 73: "lock",
    128: "signal", 130: "signal", 202: "futex", 220: "semaphore", 230: "clock_nanosleep", 232: "poll",
    247: "waitid", 257: "open", 270: "pselect", 271: "poll", 281: "poll", 288: "accept", 435: "start",
}  # fmt: skip
_AARCH64 = {
    22: "poll", 25: "lock", 32: "lock", 56: "open", 63: "read", 64: "write", 65: "read", 66: "write",
    72: "pselect", 73: "poll", 95: "waitid", 98: "futex", 101: "nanosleep", 115: "clock_nanosleep",
    133: "signal", 137: "signal", 192: "semaphore", 193: "semaphore", 202: "accept", 203: "connect",
    206: "send", 207: "recv", 211: "send", 212: "recv", 220: "start", 242: "accept", 260: "wait4",
    435: "start",
}  # fmt: skip
_CALLS = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(os.uname().machine, {})

READS_CONSOLE = Clause("read console")

_TIMER_ABSTIME = 1
_P_PID = 1
_S = 1_000_000_000


def cause(os_pid: int) -> Clause:
    """What the process waits for; the plain ``waiting`` where the system will not say.

    ``child`` in the figures is an os_pid; a length of time is what is left of it, in ns.
    """
    numbers = read_text(f"/proc/{os_pid}/syscall").split()
    if len(numbers) < 7:
        return _by_channel(os_pid)
    call = _CALLS.get(int(numbers[0]))
    arguments = [int(number, 16) for number in numbers[1:7]]
    match call:
        case "read" | "write" | "recv" | "send" | "accept" | "connect":
            return _on_file(os_pid, call, arguments[0])
        case "nanosleep":
            return _sleep(_time_left(os_pid, arguments[0]))
        case "clock_nanosleep":
            clock = arguments[0] if arguments[1] & _TIMER_ABSTIME else None
            return _sleep(_time_left(os_pid, arguments[2], clock))
        case "select" | "pselect" if arguments[0] == 0:
            return _sleep(_time_left(os_pid, arguments[4], scale=1_000 if call == "select" else 1))
        case "select" | "pselect" | "poll":
            return Clause("poll")
        case "wait4":
            return Clause("wait for child", _child(_signed(arguments[0])))
        case "waitid":
            return Clause("wait for child", _child(arguments[1] if arguments[0] == _P_PID else -1))
        case None:
            return _by_channel(os_pid)
        case _:
            return Clause(call)


def _on_file(os_pid: int, call: str, descriptor: int) -> Clause:
    try:
        target = os.readlink(f"/proc/{os_pid}/fd/{descriptor}")
    except OSError:
        return Clause(call)
    if target.startswith(("/dev/pts/", "/dev/tty")):
        return Clause(f"{call} console")
    if target.startswith("pipe:"):
        return Clause(f"{call} pipe")
    if target.startswith("socket:"):
        return Clause({"read": "recv", "write": "send"}.get(call, call))
    return Clause(f"{call} file")


def _sleep(left_ns: int | None) -> Clause:
    return Clause("sleep") if left_ns is None else Clause("sleep", {"for_ns": left_ns})


def _time_left(os_pid: int, address: int, clock: int | None = None, scale: int = 1) -> int | None:
    """The time at an address of the process: a length, or with a clock the moment at which the wait ends."""
    try:
        with open(f"/proc/{os_pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            seconds, fraction = struct.unpack("qq", memory.read(16))
        left_ns = int(seconds) * _S + int(fraction) * scale
        return max(left_ns - (time.clock_gettime_ns(clock) if clock is not None else 0), 0)
    except (OSError, ValueError, OverflowError, struct.error):
        return None


def _child(os_pid: int) -> dict[str, int | str | float | None]:
    return {"child": os_pid} if os_pid > 0 else {}


def _signed(word: int) -> int:
    """A pid argument: the low 32 bits, signed."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >= 1 << 31 else word


def _by_channel(os_pid: int) -> Clause:
    channel = read_text(f"/proc/{os_pid}/wchan")
    return Clause("waiting", {"at": channel} if channel not in ("", "0") else {})
