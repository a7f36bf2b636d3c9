"""Reports lines by ``sys.monitoring`` (Python 3.12 and later), so that ``sys.settrace`` is left to the program.

A loop on one line causes one line event, however often it repeats; its backward jumps show the iterations.
Comprehensions are part of the code that runs them, and no steps, so lines within one are passed over.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from types import CodeType, FrameType

from sandbox.programs.stepping import loops
from sandbox.programs.stepping.hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The tool numbers that are not assigned by convention.
_NUMBERS = (4, 3)


class LineMonitor:
    """Reports lines to a hook by ``sys.monitoring``."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._is_step = hook.is_step
        self._tool = 0
        self._monitoring: Any = vars(sys)["monitoring"]  # missing in older versions
        #: For each code object, the position of each instruction, on demand.
        self._positions: dict[CodeType, list[tuple[int | None, int | None, int | None, int | None]]] = {}

    def install(self) -> None:
        """Install the callbacks in this process, for the program that is about to begin."""
        monitoring = self._monitoring
        self._tool = next(number for number in _NUMBERS if monitoring.get_tool(number) is None)
        monitoring.use_tool_id(self._tool, "ossandbox")
        events = monitoring.events
        fine = self._hook.settings is not None and self._hook.settings.by_instruction
        for event, callback in (
            (events.PY_START, self._started),
            (events.PY_RESUME, self._resumed),
            (events.PY_THROW, self._thrown),
            (events.LINE, self._line),
            (events.JUMP, self._jump),
            (events.INSTRUCTION, self._instruction),
            (events.PY_RETURN, self._left),
            (events.PY_YIELD, self._left),
            (events.PY_UNWIND, self._unwound),
        ):
            monitoring.register_callback(self._tool, event, callback)
        self._local = events.PY_RESUME | events.PY_RETURN | events.PY_YIELD
        self._local |= events.INSTRUCTION if fine else events.LINE | events.JUMP
        monitoring.set_events(self._tool, events.PY_START | events.PY_THROW | events.PY_UNWIND)

    def begin(self) -> None:
        """Do nothing, since all threads are monitored already."""

    def end(self) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Remove the callbacks, because the program is over."""
        self._monitoring.set_events(self._tool, 0)
        self._monitoring.free_tool_id(self._tool)

    # Events

    def _started(self, code: CodeType, offset: int) -> object:
        if not self._is_step(code):
            return self._monitoring.DISABLE
        if not self._monitoring.get_local_events(self._tool, code):
            self._monitoring.set_local_events(self._tool, code, self._local)
        self._hook.stepper().enter()
        return None

    def _resumed(self, code: CodeType, offset: int) -> None:
        self._hook.stepper().enter()

    def _thrown(self, code: CodeType, offset: int, error: BaseException) -> None:
        if self._is_step(code):
            self._hook.stepper().enter()

    def _left(self, code: CodeType, offset: int, value: object) -> None:
        self._hook.stepper().leave_code(sys._getframe(1))

    def _unwound(self, code: CodeType, offset: int, error: BaseException) -> None:
        if self._is_step(code):
            self._hook.stepper().leave_code(sys._getframe(1))

    def _line(self, code: CodeType, line: int) -> None:
        frame = sys._getframe(1)
        if not self._is_compressed(code, frame.f_lasti, line):
            self._hook.stepper().stop(frame, line)

    def _jump(self, code: CodeType, offset: int, to: int) -> object:
        """Report a backward jump within one line, which is an iteration."""
        positions = self._positions_of(code)
        line = positions[offset // 2][0]
        if to > offset or line is None or positions[to // 2][0] != line or self._is_compressed(code, offset, line):
            return self._monitoring.DISABLE
        self._hook.stepper().stop(sys._getframe(1), line)
        return None

    def _instruction(self, code: CodeType, offset: int) -> None:
        frame: FrameType = sys._getframe(1)
        self._hook.stepper().stop(frame, frame.f_lineno)

    def _positions_of(self, code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
        found = self._positions.get(code)
        if found is None:
            found = self._positions[code] = [*code.co_positions()]
        return found

    def _is_compressed(self, code: CodeType, offset: int, line: int) -> bool:
        """Whether an instruction is part of a comprehension that began on an earlier line, or repeats."""
        known = loops.of(code.co_filename)
        if not known.compresses(line):
            return False
        at, _, column, _ = self._positions_of(code)[max(offset, 0) // 2]
        return at is not None and column is not None and known.is_within(at, column)
