"""Reports lines by ``sys.settrace``, in addition to the program's own use of it.

A program that traces itself, or is traced by a debugger that it loads, finds its trace function where it was set, and
gets the events that it would get without the hook.
"""

from __future__ import annotations

import ctypes
import opcode
import os
import sys

assert sys.platform == "linux"

import threading
from types import CodeType, FrameType
from typing import Protocol

from sandbox.programs.stepping.hook import Hook, Stepper
from sandbox.util.interpreter import note_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Tracer = Callable[[FrameType, str, Any], Any]

_set = sys.settrace
_Pending = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_add_pending_call = ctypes.pythonapi.Py_AddPendingCall
_add_pending_call.argtypes = (_Pending, ctypes.c_void_p)
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: An instruction and its argument.
_TO_ITSELF = opcode.opmap.get("JUMP_BACKWARD", -1), 1


class Lines(Protocol):
    """Reports lines to a hook."""

    def begin(self) -> None: ...
    def end(self) -> None: ...


class LineTracer:
    """Reports lines to a hook by ``sys.settrace``."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook

    def install(self) -> None:
        """Install the tracer in this process, for the program that is about to begin in this thread."""
        sys.settrace = self._set_programs  # type: ignore[assignment]  # ours has a state
        sys.gettrace = self._get_programs
        self.begin()

    def begin(self) -> None:
        """Begin to trace this thread."""
        _set(_Thread(self._hook, self._hook.stepper()).called)

    def end(self) -> None:
        """Stop tracing this thread."""
        _set(None)

    def finish(self) -> None:
        """Stop tracing, because the program is over."""
        _set(None)

    def _set_programs(self, function: Tracer | None, /) -> None:
        """Trace with a function of the program, in place of ``sys.settrace``."""
        stepper = self._hook.stepper()
        thread = _Thread(self._hook, stepper)
        stepper.tracer = function
        _set(thread.called)

    def _get_programs(self) -> Tracer | None:
        return self._hook.stepper().tracer


class _Thread:
    """The trace function of one thread."""

    def __init__(self, hook: Hook, stepper: Stepper) -> None:
        self._is_step, self._known = hook.is_step, hook._steps
        self._stepper = stepper
        self._by_instruction = hook.settings is not None and hook.settings.by_instruction
        self._traced = self._traced_by_instruction if self._by_instruction else self._traced_by_line

        #: For each code object, the instructions that jump to themselves. A line that consists of such a one (``while
        #: True: pass``) causes only one line event, unless instructions are traced.
        self._circles: dict[CodeType, frozenset[int]] = {}
        self._has_come = False
        self._anew = _Pending(self._begin_anew)

    def called(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        step = self._known.get(code)
        if step is None:
            step = self._is_step(code)
        tracer = self._stepper.tracer
        if tracer is not None:
            if code.co_filename.startswith(_OURS):  # our replacement of a built-in function
                return None
            own = self.ask(tracer, frame, event, argument)
            if not step and own is None:
                return None
            both = _Both(self, step, own, frame.f_trace_opcodes)
            frame.f_trace_opcodes |= step and (self._by_instruction or bool(self._circles_of(code)))
            return both.traced
        if not step:
            return None
        if self._by_instruction or self._circles_of(code):
            frame.f_trace_opcodes = True
        try:
            self._stepper.enter()
        except RecursionError as error:
            self._drop(error)
            raise
        return self._traced

    def ask(self, tracer: Tracer, frame: FrameType, event: str, argument: Any) -> Any:
        """Call a trace function of the program. If it raises, the interpreter stops tracing, both for the program and
        for us. So we begin anew as soon as that has happened."""
        try:
            return tracer(frame, event, argument)
        except BaseException:
            self._stepper.tracer = None
            _add_pending_call(self._anew, None)
            raise

    def _begin_anew(self, _: object) -> int:
        if sys._getframe(1).f_code.co_filename.startswith(_OURS):  # the exception has not been propagated yet
            _add_pending_call(self._anew, None)
        else:
            _set(self.called)
        return 0

    def _circles_of(self, code: CodeType) -> frozenset[int]:
        found = self._circles.get(code)
        if found is None:
            every = enumerate(zip(code.co_code[::2], code.co_code[1::2], strict=True))
            found = self._circles[code] = frozenset(2 * at for at, pair in every if pair == _TO_ITSELF)
        return found

    def _traced_by_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        try:
            if event == "line":
                self._has_come = True
                self._stepper.stop(frame, frame.f_lineno)
            elif event == "return":
                self._stepper.leave_code(frame)
            elif event == "opcode":
                if not self._has_come and frame.f_lasti in self._circles_of(frame.f_code):
                    self._stepper.stop(frame, frame.f_lineno)
                self._has_come = False
        except BaseException as error:
            self._drop(error)
            raise
        return self._traced_by_line

    def _traced_by_instruction(self, frame: FrameType, event: str, argument: Any) -> Any:
        try:
            if event == "opcode":
                self._stepper.stop(frame, frame.f_lineno)
            elif event == "return":
                self._stepper.leave_code(frame)
        except BaseException as error:
            self._drop(error)
            raise
        return self._traced_by_instruction

    def _drop(self, error: BaseException) -> None:
        """Begin anew after an exception in the hook, after which the interpreter no longer traces: a recursion may be
        too deep for the hook just before it is for the program, which steps on afterwards."""
        _add_pending_call(self._anew, None)
        if isinstance(error, ctypes.ArgumentError):  # contains a RecursionError
            raise RecursionError(str(error).partition("RecursionError: ")[2]) from None


class _Both:
    """Traces one call for the hook and for the program."""

    def __init__(self, thread: _Thread, step: bool, own: Tracer | None, fine: bool) -> None:
        self._thread, self._step, self._own = thread, step, own
        if step:
            thread._stepper.enter()
        #: Whether the program wants events of instructions.
        self._fine = fine

    def traced(self, frame: FrameType, event: str, argument: Any) -> Any:
        own = self._own
        if own is not None and (event != "opcode" or self._fine):
            answer = self._thread.ask(own, frame, event, argument)
            if answer is not None:
                self._own = answer
        if self._step:
            self._thread._traced(frame, event, argument)
        return self.traced


def follow_threads(lines: Lines, hook: Hook) -> None:
    """Have threads that the program starts step as well."""
    import _thread

    def tracing(start: Callable[..., Any]) -> Callable[..., Any]:
        def started(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
            number = hook.lineage.bear()

            def run(*inner: Any, **named: Any) -> Any:
                hook.lineage.thread_begins(number)
                failures: list[bool] = []
                note_failure(function, lambda: failures.append(True))
                lines.begin()
                try:
                    return function(*inner, **named)
                except Exception:
                    failures.append(True)
                    raise
                finally:
                    lines.end()
                    hook.forget(bool(failures))

            return start(run, *arguments, **keywords)

        return started

    for name in ("start_new_thread", "start_new", "start_joinable_thread"):
        if hasattr(_thread, name):
            wrapped = tracing(getattr(_thread, name))
            setattr(_thread, name, wrapped)
            if hasattr(threading, "_" + name):
                setattr(threading, "_" + name, wrapped)
