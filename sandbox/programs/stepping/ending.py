"""The end of a program in a process that the zygote has forked: it leaves the interpreter as any program does.

Exit functions, objects that are left, and output that was not flushed are the interpreter's affair. To finalize it
takes some milliseconds, in which most programs do nothing that could be noticed. Those leave at once.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _io
import _socket
import atexit
import gc
import os
import weakref
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType, TracebackType

from sandbox.programs.stepping.births import Lines
from sandbox.programs.stepping.hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OUTPUTS = ("stdout", "stderr")
_MAX_LONG = 1 << 63


class Ending:
    """The end of a process. To be created before any exit function is registered, since it is the last of these.

    ``status``: the exit status, if it is known before the interpreter is finalized.
    """

    def __init__(self, hook: Hook, lines: Lines) -> None:
        self._hook, self._lines = hook, lines
        self._outputs = [getattr(sys, name) for name in _OUTPUTS]
        self.status: int | None = None
        atexit.register(self._end)

    def fails(self, error: BaseException, without: str) -> BaseException:
        """Process an uncaught exception, and return the one to raise from the last frame, which the interpreter handles
        in silence. ``without``: a file whose frames do not belong to the program."""
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == without:
            trace = trace.tb_next
        if not isinstance(error, SystemExit):
            hook = getattr(sys, "excepthook", None)
            other = _report(error.with_traceback(trace), trace, hook)
            if other is None:
                self.status = None if isinstance(error, KeyboardInterrupt) else 1
                _pass_over_once(hook)
                return error
            error = other
        self.status = _status_of(error.code) if isinstance(error, SystemExit) else 1
        return error

    def _end(self) -> None:
        if self._hook.settings is None:
            return
        self._lines.finish()
        if self.status is not None:
            if not _has_late_effects() and self._flush():
                os._exit(self.status)
            self._hook.stepper().end(self.status)
        self._hook.release()
        gc.unfreeze()  # the interpreter collects only what is not frozen

    def _flush(self) -> bool:
        """Flush output, and return whether that has succeeded."""
        if [getattr(sys, name, None) for name in _OUTPUTS] != self._outputs:
            return False
        try:
            for output in self._outputs:
                output.flush()
        except BaseException:
            return False  # the interpreter tries again, and reports it
        return True


def _status_of(code: object) -> int:
    """Return the exit status for the argument of SystemExit."""
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    return code & 0xFF if -_MAX_LONG <= code < _MAX_LONG else 0xFF


# Exceptions


def _report(error: BaseException, trace: TracebackType | None, hook: Any) -> BaseException | None:
    """Call ``sys.excepthook`` as an interpreter does. Return SystemExit if that raises it, else None."""
    show = sys.__excepthook__
    try:
        if hook is None:
            sys.stderr.write("sys.excepthook is missing\n")
            show(type(error), error, trace)
        else:
            hook(type(error), error, trace)
    except SystemExit as other:
        return other
    except BaseException as other:
        sys.stderr.write("Error in sys.excepthook:\n")
        mine = other.__traceback__
        other.__context__ = None
        show(type(other), other.with_traceback(mine.tb_next if mine is not None else None), other.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        show(type(error), error, trace)
    return None


def _pass_over_once(hook: Any) -> None:
    """Have the interpreter not report the next uncaught exception, and then find the program's hook again."""

    def nothing(*_: object) -> None:
        if hook is None:
            del sys.excepthook
        else:
            sys.excepthook = hook

    sys.excepthook = nothing


# Objects


def _has_late_effects() -> bool:
    """Whether an object is left whose end may be noticed. What was there before the program is frozen, and not
    examined."""
    known: dict[type, bool] = {}
    for each in gc.get_objects():
        kind = type(each)
        late = known.get(kind)
        if late is None:
            late = known[kind] = issubclass(kind, (type, weakref.ref)) or hasattr(kind, "__del__")
        if late and not _is_harmless(each):
            return True
    return False


def _is_harmless(each: Any) -> bool:
    """Whether the end of an object of a suspicious type has no effect."""
    match each:
        case type():
            return "__del__" not in vars(each)
        case weakref.ref():
            return not isinstance(each.__callback__, FunctionType) or _is_of_library(each.__callback__)
        case GeneratorType():
            return each.gi_frame is None
        case CoroutineType():
            return each.cr_frame is None
        case AsyncGeneratorType():
            return each.ag_frame is None
        case _io._IOBase():
            return isinstance(each, _io.FileIO) or each.closed
    return isinstance(each, _socket.socket) or _is_connection(each)


def _is_of_library(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in sys.stdlib_module_names


def _is_connection(each: object) -> bool:
    return type(each).__module__ == "multiprocessing.connection"
