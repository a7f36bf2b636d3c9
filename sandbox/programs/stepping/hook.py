"""The hook: a thread that comes to a line of its own program waits here until it is told to go on.

Only this thread waits, in a read that the machine answers: threads of libraries go on, and a call in which another
thread is blocked is not disturbed. Every thread with lines of its own has its own connection to the machine. The
program does not notice any of this: signals wait with the thread, and what it sets with ``sys.settrace`` works in
addition to the hook.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _signal
import _socket
import _thread
import fcntl
import os
import resource
from errno import EBADF
from itertools import repeat
from types import CodeType, FrameType

from sandbox.programs.stepping.lineage import Lineage
from sandbox.programs.stepping.masks import Masks
from sandbox.programs.stepping.protocol import (
    AGAIN,
    ASK,
    BLOCKS,
    ENDS,
    FORK,
    GO,
    HELLO,
    HURRY,
    LINE,
    LINES,
    LISTEN,
    NOTE,
    SEPARATOR,
    STATE,
    THREAD,
    THREAD_ENDS,
    WAKES,
    Settings,
)
from sandbox.programs.stepping.states import States
from sandbox.programs.stepping.touches import UNKNOWN, Touches
from sandbox.programs.stepping.values import Watch
from sandbox.util.interpreter import count_threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Tracer = Callable[[FrameType, str, Any], Any]

#: Our descriptors are among the highest possible numbers, which a program seldom reaches.
_MAX_DESCRIPTOR = 1_000
_FAR_BELOW = 40
#: Code objects with these names belong to the line that runs them.
_WITHIN_A_LINE = frozenset({"<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_CO_OPTIMIZED = 1
_SIGKILL = 9
_ANSWER_BYTES = (16,)


class Hook:
    """The hook in one process, and in all that are forked from it."""

    #: Set when the program begins.
    settings: Settings | None = None
    #: Reads the whole state, if it is to be reported.
    states: States | None = None
    #: Predicts what a line touches, if states are to be reported.
    touches: Touches | None = None
    #: A connection for the first thread that needs one.
    given: _socket.socket | None = None

    def __init__(self) -> None:
        self._prefix = ""
        self._os_pid = 0
        #: The os_pid of the process that has forked this one; 0: it was not forked from one that steps.
        self.mother = 0
        #: For each code object, whether its lines are steps.
        self._steps: dict[CodeType, bool] = {}
        #: The module that is the program. Its lines are steps; those of other modules belong to the line that imports
        #: them.
        self.main_code: CodeType | None = None
        self._steppers: dict[int, Stepper] = {}
        self.lineage = Lineage()
        self._threads_before = count_threads()
        self.masks = Masks()

    def begin(self, settings: Settings) -> None:
        """Begin the program of this process."""
        self.settings, self._prefix = settings, os.path.join(settings.folder, "")
        self._os_pid = os.getpid()
        if settings.tells_states:
            self.states = States(self.is_step, self._prefix)
            self.touches = Touches(self.is_step, self._prefix)

    def release(self) -> None:
        """Forget all objects and types of the program, which is over."""
        self.states = self.touches = None
        for stepper in self._steppers.values():
            stepper.release()

    # Steppers

    def stepper(self) -> Stepper:
        """Return the stepper of the calling thread, creating it if needed."""
        ident = _thread.get_ident()
        found = self._steppers.get(ident)
        if found is None:
            found = self._steppers[ident] = Stepper(self)
        return found

    def here(self) -> Stepper | None:
        """Return the stepper of the calling thread if that is connected to the machine, or None."""
        found = self._steppers.get(_thread.get_ident())
        return found if found is not None and found.connected else None

    def forget(self, failed: bool) -> None:
        """Note that the calling thread ends. ``failed``: by an uncaught exception."""
        self.lineage.thread_ends()
        stepper = self._steppers.pop(_thread.get_ident(), None)
        if stepper is not None:
            stepper.leave(failed)

    def is_step(self, code: CodeType) -> bool:
        """Whether the lines of this code are steps."""
        found = self._steps.get(code)
        if found is None:
            found = self._steps[code] = code is self.main_code or self._is_own_function(code)
        return found

    def _is_own_function(self, code: CodeType) -> bool:
        own = code.co_filename.startswith(self._prefix) and bool(code.co_flags & _CO_OPTIMIZED)
        return own and code.co_name not in _WITHIN_A_LINE

    def name_of(self, code: CodeType) -> str:
        """Return the name of a file, relative to the scenario's folder."""
        return code.co_filename.removeprefix(self._prefix)

    @property
    def is_alone(self) -> bool:
        """Whether there is only one thread."""
        return count_threads() == self._threads_before and len(self._steppers) == 1

    def news(self) -> tuple[int, int]:
        """Return how many processes and threads were started since the last call, and whether there are threads that do
        not step."""
        births = self.lineage.take()
        if self.is_alone:
            return births, 0
        silent = count_threads() - self._threads_before + 1 - sum(each.connected for each in self._steppers.values())
        return births, int(silent > 0)

    def whole_state(self) -> tuple[int, int]:
        """Return a mark that distinguishes the state of all threads, which are at rest, from others, and whether the
        state is known completely."""
        states = self.states
        silent = count_threads() - self._threads_before + 1 - sum(each.connected for each in self._steppers.values())
        if states is None or silent:
            return 0, 0
        frames = sys._current_frames()
        mark, known = states.of_threads([(ident, frames[ident]) for ident in self._steppers if ident in frames])
        return mark, int(known)

    def noted(self, os_pid: int) -> None:
        """Note that a child was forked."""
        if self.states is not None:
            self.states.pids.born(os_pid)

    # Births

    def born(self, rank: tuple[int, ...]) -> None:
        """Introduce this process, which was executed, and wait until the machine has brought its parent to rest."""
        self.lineage.rank = rank
        stepper = self.stepper()
        stepper.introduce(FORK)
        stepper.wait()

    def forked(self) -> None:
        """Prepare a process that was just forked, in which only the calling thread exists, and wait until the machine
        has brought its parent to rest."""
        if self.states is not None:
            self.states.pids.renew()
        self.mother, self._os_pid = self._os_pid, os.getpid()
        self.lineage.forked()
        stepper = self._steppers.pop(_thread.get_ident(), None)
        for other in self._steppers.values():
            other.drop()
        self._steppers.clear()
        self._threads_before = count_threads()
        if stepper is None:
            stepper = Stepper(self)
        else:
            stepper.drop()
        self._steppers[_thread.get_ident()] = stepper
        stepper.introduce(FORK)
        stepper.wait()

    def take(self, descriptor: int) -> _socket.socket:
        """Move a connection to the machine to a descriptor that the program does not use."""
        most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MAX_DESCRIPTOR)
        number = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, max(most - _FAR_BELOW, 3))
        os.close(descriptor)
        return _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, number)

    def connect(self) -> _socket.socket:
        """Return a new connection to the machine."""
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        connection = self.take(made.detach())
        connection.connect(self.settings.address if self.settings is not None else "")
        return connection


class Stepper:
    """One thread that steps, with its connection. ``connected``: whether it has one."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._watch = Watch()
        self._connection: _socket.socket | None = None
        #: The frame of the line that runs.
        self._frame: FrameType | None = None
        self._depth = 0
        self._line = 0
        #: The number of lines before the next one that is reported; whether its state is not reported.
        self._untold, self._hurries = 0, False
        #: Changes that were not reported yet.
        self._changes: list[str] = []
        #: The trace function of the program itself.
        self.tracer: Tracer | None = None
        masks = hook.masks
        self._mask = masks.new()
        place = masks.place(self._mask)
        self._set_mask = masks.set
        self._block = (*masks.block, (place,))
        self._unblocks = map(self._set_mask, repeat(masks.restore), repeat(place), repeat(None))

    @property
    def connected(self) -> bool:
        return self._connection is not None

    # Messages to the machine

    def introduce(self, kind: str) -> None:
        """Connect, and report which thread this is."""
        self._connection = self._hook.connect() if self._hook.given is None else self._hook.given
        self._hook.given = None
        hook = self._hook
        self._send(
            HELLO, kind, os.getpid(), _thread.get_native_id(), hook.mother or os.getppid(), *hook.lineage.rank_here
        )

    def _send(self, *fields: object) -> None:
        data = SEPARATOR.join(map(str, fields)).encode(errors="replace")
        connection = self._connection
        assert connection is not None
        try:
            connection.send(data)
        except OSError as error:
            if error.errno != EBADF or fields[0] == HELLO:
                _end()
            connection.detach()
            self._connection = None  # a program that becomes a daemon closes all descriptors
            self.introduce(AGAIN)
            self._send(*fields)

    def wait(self) -> None:
        """Wait until the machine tells the thread to go on. If the machine is gone, the process ends.

        Another thread may receive a signal meanwhile. So the interpreter must not check for signals from here to the
        end of the hook, either.
        """
        connection = self._connection
        assert connection is not None
        while True:
            try:
                [answer] = map(connection.recv, _ANSWER_BYTES)
            except OSError:
                _end()
            if answer == GO:
                self._hurries = False
                return
            if answer[:1] in (LINES, HURRY):
                self._untold, self._hurries = int(answer[1:]) - 1, answer[:1] == HURRY
                return
            if answer == ASK:
                self._send(STATE, *self._hook.whole_state())
                continue
            if answer != LISTEN:
                _end()
            for _ in self._unblocks:
                break
            [_] = map(self._set_mask, *self._block)

    def block(self) -> None:
        """Report that the thread is about to wait for a lock."""
        self._send(BLOCKS)

    def wake(self) -> None:
        """Report that the thread has waited, and wait for the machine: of several such threads one goes on after the
        other."""
        [_] = map(self._set_mask, *self._block)
        try:
            self._send(WAKES)
            self.wait()
        finally:
            for _ in self._unblocks:
                break

    def drop(self) -> None:
        """Forget the connection, which belongs to the parent process."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._frame, self._depth, self._changes = None, 0, []
        self._untold, self._hurries = 0, False

    def release(self) -> None:
        """Forget all objects of the program."""
        self._watch, self._frame, self.tracer = Watch(), None, None

    def leave(self, failed: bool) -> None:
        """Report that the thread ends, and whether by an uncaught exception."""
        if self._connection is not None:
            self._send(THREAD_ENDS, int(failed), *self._take())
            self._connection.close()
            self._connection = None

    def end(self, code: int | str = "") -> None:
        """Report that the process ends by itself."""
        if self._connection is not None:
            if self._frame is not None:
                self._note(self._frame)
            self._send(ENDS, code, *self._take())

    def _take(self) -> list[str]:
        changes, self._changes = self._changes, []
        return changes

    # Events of the thread's code

    def enter(self) -> None:
        """Note that code with steps was called."""
        self._depth += 1

    def leave_code(self, frame: FrameType) -> None:
        """Note that code with steps returns, and what its last line has changed, because there may be no other line."""
        if self._connection is not None and frame is self._frame:
            self._note(frame)
        self._watch.forget(id(frame))
        if self._hook.states is not None:
            self._hook.states.rounds.leave(frame)
        self._frame = None
        self._depth -= 1
        if self._depth <= 0 and self._connection is not None and self._changes:
            self._send(NOTE, *self._take())

    def _note(self, frame: FrameType) -> None:
        self._changes += self._watch.changes(id(frame), frame.f_locals, frame.f_globals)

    def _way(self, frame: FrameType) -> Iterator[object]:
        """Yield the position and the known variables of the thread's current line and of all its callers."""
        here: FrameType | None = frame
        is_step = self._hook.is_step
        while here is not None:
            if is_step(here.f_code):
                yield here.f_code.co_firstlineno
                yield here.f_lasti
                yield self._watch.of_frame(id(here))
            here = here.f_back

    def _state(self, frame: FrameType) -> tuple[int, bool]:
        """Return a mark that distinguishes the state of this thread from others, and whether the state is known
        completely."""
        states, watch = self._hook.states, self._watch
        if states is not None:
            states.rounds.come_to(frame, self._line)
            if self._hurries:
                return 0, False
            mark, known = states.of(frame)
            return mark, known and self._hook.is_alone  # another thread's state may change before its next line
        return hash((tuple(self._way(frame)), watch.values, tuple(watch.objects))), watch.complete

    def _touches(self, frame: FrameType, line: int) -> str:
        """Return what the turn that begins at this line will touch that others can see."""
        touches = self._hook.touches
        asked = touches is not None and not self._hurries and self._hook.is_alone
        return touches.of(frame, line) if touches is not None and asked else UNKNOWN

    def _pass(self, frame: FrameType) -> None:
        """Pass over a line that is not reported."""
        self._untold -= 1
        self._frame = frame
        if self._hook.states is not None:
            self._hook.states.rounds.come_to(frame, self._line)

    def stop(self, frame: FrameType, line: int | None) -> None:
        """Report that the thread has come to a line, or an instruction of it (None: of the same line as before), and
        what has changed, and wait."""
        self._line = line = line or self._line
        if self._untold:
            self._pass(frame)
            return
        [_] = map(self._set_mask, *self._block)
        try:
            if self._connection is None:
                self.introduce(THREAD)
            before = self._frame
            if before is not None and before is not frame:
                self._note(before)
            self._note(frame)
            self._frame = frame
            code, watch = frame.f_code, self._watch
            mark, known = self._state(frame)
            self._send(
                LINE,
                self._hook.name_of(code),
                line,
                code.co_name,
                mark,
                *self._hook.news(),
                int(known),
                self._touches(frame, line),
                *self._take(),
            )
            self.wait()
            if watch.held:
                watch.begin()
        finally:
            for _ in self._unblocks:
                break


def _end() -> NoReturn:
    """Kill this process, because the machine is gone."""
    os.kill(os.getpid(), _SIGKILL)
    while True:
        _signal.pause()
