"""Descriptions of refused system calls that name the call, because the reason alone is rarely enough."""

from __future__ import annotations

import errno
import linecache
import re
from itertools import islice
from types import TracebackType

from sandbox.util import libc

_FORBIDDEN = (errno.EPERM, errno.ENOSYS)
_CALLED = re.compile(r"(?:\w+\.)*(\w+)")


def explained(error: OSError) -> str:
    """Return the system's reason, preceded by the call if the call itself is forbidden (EPERM or ENOSYS)."""
    return refused(error) if error.errno in _FORBIDDEN else error.strerror or str(error)


def refused(error: OSError) -> str:
    """Return the call, if known, and the system's reason."""
    call, reason = refused_call(error), error.strerror or str(error)
    return f"{call}: {reason}" if call else reason


def refused_call(error: OSError) -> str:
    """Return the name of the function that failed, which is mostly that of the system call; "" if unknown."""
    trace = error.__traceback__
    last: TracebackType | None = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == libc.__file__:
            return trace.tb_frame.f_code.co_name
        last, trace = trace, trace.tb_next
    if last is None:
        return ""
    code = last.tb_frame.f_code
    line, _, start, _ = next(islice(code.co_positions(), last.tb_lasti // 2, None), (None, None, None, None))
    if line is None or start is None:
        return ""
    called = _CALLED.match(linecache.getline(code.co_filename, line).encode()[start:].decode(errors="replace"))
    return called[1] if called and called[1] != "raise" else ""
