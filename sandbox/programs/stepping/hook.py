"""The hook: a thread that comes to a line of its own program waits here until it is told to go on.

It is only this thread that waits, in a read that the machine answers: threads of libraries go on, and a call in which
another thread is blocked is not disturbed. Every thread that has lines of its own has a connection of its own to the
machine. The program notices nothing of all this: signals wait with the thread, and what it sets with ``sys.settrace``
works beside the hook.

Messages are texts in one packet each, whose fields are separated by ``SEPARATOR``; the first one says what it is.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _signal
import _socket
import _thread
import ctypes
import fcntl
import os
import resource
from errno import EBADF
from types import CodeType, FrameType

from sandbox.programs.stepping.states import States
from sandbox.programs.stepping.touches import UNKNOWN, Touches
from sandbox.programs.stepping.values import Watch
from sandbox.util.interpreter import count_threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Tracer = Callable[[FrameType, str, Any], Any]

SEPARATOR = "\x1f"
#: First fields of what a thread says: who it is; that it has come to a line; what has changed meanwhile; that the
#: thread ends; that the process ends, and how; that it is about to wait for a lock within its line, that it has waited.
HELLO, LINE, NOTE, THREAD_ENDS, ENDS, BLOCKS, WAKES = "H", "L", "N", "T", "E", "B", "W"
#: And when it is asked: the state of its process.
STATE = "S"
#: What it is told: go on; let signals in that end it, and wait on; say what the state of the process is, and wait on.
#: Go on for so many lines, of which only the last one is told, with the state that it comes to or without.
GO, LISTEN, ASK, LINES, HURRY = b"g", b"l", b"s", b"n", b"h"
#: Kinds of a hello: a process of the scenario, a fork; both are to be told to go on at once. A thread that has come to
#: its first line, in this process or in one that has been spawned.
START, FORK, THREAD = "start", "fork", "thread"
#: The same as before, whose connection was closed.
AGAIN = "again"
#: A program seldom has so many descriptors open that it comes to ours, which is one of the last that it may have.
_MAX_DESCRIPTOR = 1_000
_FAR_BELOW = 40
#: Code of these belongs to the line that runs it.
_WITHIN_A_LINE = frozenset({"<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_CO_OPTIMIZED = 1
_SIGKILL = 9
_SIG_BLOCK, _SIG_SETMASK = 0, 2
_MASK_BYTES = 128


class Settings:
    """``address``: where the machine listens; ``folder``: files below it are the program's own; ``by_instruction``: a
    step is a bytecode instruction; ``tells_states``: the whole state is told at each line."""

    def __init__(self, address: str, folder: str, by_instruction: bool, tells_states: bool) -> None:
        self.address, self.folder = address, folder
        self.by_instruction, self.tells_states = by_instruction, tells_states

    def written(self) -> str:
        """As the source of a tuple of arguments that make the same."""
        return repr((self.address, self.folder, self.by_instruction, self.tells_states))


class Hook:
    """The hook in one process, and in those that are forked from it."""

    #: There are some once the program begins.
    settings: Settings | None = None
    #: Knows the whole state, if somebody wants to.
    states: States | None = None
    #: Knows what a line is about to touch, if somebody wants to.
    touches: Touches | None = None
    #: A connection for the first thread that needs one.
    given: _socket.socket | None = None

    def __init__(self) -> None:
        self._prefix = ""
        self._os_pid = 0
        #: Who has forked this process; 0: it was not forked from one that steps.
        self.mother = 0
        #: Whether code has steps of its own.
        self._steps: dict[CodeType, bool] = {}
        #: The module that is the program: its lines are steps, those of other modules belong to whoever imports them.
        self.main_code: CodeType | None = None
        self._steppers: dict[int, Stepper] = {}
        #: What has happened since a thread last came to a line that the machine has to wait for: a process was born.
        self.births = 0
        self._threads_before = count_threads()
        self.masks = _Masks()

    def begin(self, settings: Settings) -> None:
        """The program of this process begins."""
        self.settings, self._prefix = settings, os.path.join(settings.folder, "")
        self._os_pid = os.getpid()
        if settings.tells_states:
            self.states = States(self.is_step, self._prefix)
            self.touches = Touches(self.is_step, self._prefix)

    # Who steps

    def stepper(self) -> Stepper:
        """Of this thread."""
        ident = _thread.get_ident()
        found = self._steppers.get(ident)
        if found is None:
            found = self._steppers[ident] = Stepper(self)
        return found

    def here(self) -> Stepper | None:
        """Of this thread, if it has one that the machine knows."""
        found = self._steppers.get(_thread.get_ident())
        return found if found is not None and found.connected else None

    def forget(self) -> None:
        """This thread ends."""
        stepper = self._steppers.pop(_thread.get_ident(), None)
        if stepper is not None:
            stepper.leave()

    def is_step(self, code: CodeType) -> bool:
        """Whether lines of this code are steps."""
        found = self._steps.get(code)
        if found is None:
            found = self._steps[code] = code is self.main_code or self._is_own_function(code)
        return found

    def _is_own_function(self, code: CodeType) -> bool:
        own = code.co_filename.startswith(self._prefix) and bool(code.co_flags & _CO_OPTIMIZED)
        return own and code.co_name not in _WITHIN_A_LINE

    def name_of(self, code: CodeType) -> str:
        """Of a file, from the scenario's folder."""
        return code.co_filename.removeprefix(self._prefix)

    @property
    def is_alone(self) -> bool:
        """Whether there is one thread only."""
        return count_threads() == self._threads_before and len(self._steppers) == 1

    def news(self) -> tuple[int, int]:
        """How many processes and threads were born since this was last asked, and whether there are threads that do not
        step."""
        births, self.births = self.births, 0
        if self.is_alone:
            return births, 0
        silent = count_threads() - self._threads_before + 1 - sum(each.connected for each in self._steppers.values())
        return births, int(silent > 0)

    def whole_state(self) -> tuple[int, int]:
        """What tells the state of all its threads from others, now that they are at rest, and whether all is known."""
        states = self.states
        silent = count_threads() - self._threads_before + 1 - sum(each.connected for each in self._steppers.values())
        if states is None or silent:
            return 0, 0
        frames = sys._current_frames()
        mark, known = states.of_threads([(ident, frames[ident]) for ident in self._steppers if ident in frames])
        return mark, int(known)

    def noted(self, os_pid: int) -> None:
        """A child was forked."""
        if self.states is not None:
            self.states.pids.born(os_pid)

    # Births

    def forked(self) -> None:
        """In a process that was just forked: of all threads only this one is there. It waits until the machine has
        brought its parent to rest."""
        if self.states is not None:
            self.states.pids.renew()
        self.mother, self._os_pid = self._os_pid, os.getpid()
        stepper = self._steppers.pop(_thread.get_ident(), None)
        for other in self._steppers.values():
            other.drop()
        self._steppers.clear()
        self.births = 0
        self._threads_before = count_threads()
        if stepper is None:
            stepper = Stepper(self)
        else:
            stepper.drop()
        self._steppers[_thread.get_ident()] = stepper
        stepper.introduce(FORK)
        stepper.wait()

    def take(self, descriptor: int) -> _socket.socket:
        """A connection to the machine where the program does not meet it."""
        most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MAX_DESCRIPTOR)
        number = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, max(most - _FAR_BELOW, 3))
        os.close(descriptor)
        return _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, number)

    def connect(self) -> _socket.socket:
        """A new connection to the machine."""
        made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        connection = self.take(made.detach())
        connection.connect(self.settings.address if self.settings is not None else "")
        return connection


class _Masks:
    """Holds signals back while a thread waits here: a handler is the program's, and runs in its turn.

    They are let in again where the interpreter does not look for them at once, but as soon as the program goes on: a
    handler that raises must do so in the program, not here. So C is called by way of ``map``, after which nobody looks.
    """

    def __init__(self) -> None:
        self._all = ctypes.create_string_buffer(b"\xff" * _MASK_BYTES, _MASK_BYTES)
        self.set = ctypes.CDLL(None).pthread_sigmask
        self.set.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self.block = ((_SIG_BLOCK,), (ctypes.addressof(self._all),))
        self.restore = (_SIG_SETMASK,)

    @staticmethod
    def new() -> Any:
        """A thread's own place for its mask."""
        return ctypes.create_string_buffer(_MASK_BYTES)


class Stepper:
    """One thread that steps, and its connection. ``connected``: it has one."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._watch = Watch()
        self._connection: _socket.socket | None = None
        #: The frame whose line runs.
        self._frame: FrameType | None = None
        self._depth = 0
        self._line = 0
        #: Lines that are to come before the next one that is told; whether the state is not told then.
        self._untold, self._hurries = 0, False
        #: What has changed, and has not been told.
        self._changes: list[str] = []
        #: What the program itself traces with.
        self.tracer: Tracer | None = None
        masks = hook.masks
        self._mask = masks.new()
        place = (ctypes.addressof(self._mask),)
        self._set_mask = masks.set
        self._block, self._unblock = (*masks.block, place), (masks.restore, place, (None,))

    @property
    def connected(self) -> bool:
        return self._connection is not None

    # What the machine is told

    def introduce(self, kind: str) -> None:
        """Say who it is."""
        self._connection = self._hook.connect() if self._hook.given is None else self._hook.given
        self._hook.given = None
        self._send(HELLO, kind, os.getpid(), _thread.get_native_id(), self._hook.mother or os.getppid())

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
            self._connection = None  # a program that becomes a daemon closes all that is open
            self.introduce(AGAIN)
            self._send(*fields)

    def wait(self) -> None:
        """Until it is told to go on; whoever finds the machine gone has nobody left to run for."""
        connection = self._connection
        assert connection is not None
        while True:
            try:
                answer = connection.recv(16)
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
            [_] = map(self._set_mask, *self._unblock)
            [_] = map(self._set_mask, *self._block)

    def block(self) -> None:
        """It is about to wait for a lock."""
        self._send(BLOCKS)

    def wake(self) -> None:
        """It has waited: others may have as well, and one goes on after the other."""
        [_] = map(self._set_mask, *self._block)
        self._send(WAKES)
        self.wait()
        [_] = map(self._set_mask, *self._unblock)

    def drop(self) -> None:
        """It is another process's."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._frame, self._depth, self._changes = None, 0, []
        self._untold, self._hurries = 0, False

    def leave(self) -> None:
        """The thread ends."""
        if self._connection is not None:
            self._send(THREAD_ENDS, *self._take())
            self._connection.close()
            self._connection = None

    def end(self, code: int | str = "") -> None:
        """The process ends by itself."""
        if self._connection is not None:
            if self._frame is not None:
                self._note(self._frame)
            self._send(ENDS, code, *self._take())

    def _take(self) -> list[str]:
        changes, self._changes = self._changes, []
        return changes

    # Events of its code

    def enter(self) -> None:
        """Code that has steps is called."""
        self._depth += 1

    def leave_code(self, frame: FrameType) -> None:
        """Code that has steps returns: what its last line has changed is noted; there may be no other line."""
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
        """Where it stands, and where its callers do, with the values of their variables."""
        here: FrameType | None = frame
        is_step = self._hook.is_step
        while here is not None:
            if is_step(here.f_code):
                yield here.f_code.co_firstlineno
                yield here.f_lasti
                yield self._watch.of_frame(id(here))
            here = here.f_back

    def _state(self, frame: FrameType) -> tuple[int, bool]:
        """What tells the state of this thread from others, and whether all of it is known."""
        states, watch = self._hook.states, self._watch
        if states is not None:
            states.rounds.come_to(frame, self._line)
            if self._hurries:
                return 0, False
            mark, known = states.of(frame)
            return mark, known and self._hook.is_alone  # what another thread holds may change until it comes to a line
        return hash((tuple(self._way(frame)), watch.values, tuple(watch.objects))), watch.complete

    def _touches(self, frame: FrameType, line: int) -> str:
        """What the turn that begins at this line is about to touch of what others see."""
        touches = self._hook.touches
        asked = touches is not None and not self._hurries and self._hook.is_alone
        return touches.of(frame, line) if touches is not None and asked else UNKNOWN

    def _pass(self, frame: FrameType) -> None:
        """The thread comes to a line that is not told."""
        self._untold -= 1
        self._frame = frame
        if self._hook.states is not None:
            self._hook.states.rounds.come_to(frame, self._line)

    def stop(self, frame: FrameType, line: int | None) -> None:
        """The thread comes to a line, or to an instruction of one (None: of none): it tells what has changed, and
        waits."""
        self._line = line = line or self._line
        if self._untold:
            self._pass(frame)
            return
        [_] = map(self._set_mask, *self._block)
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
        watch.begin()
        [_] = map(self._set_mask, *self._unblock)


def _end() -> NoReturn:
    """Nobody is there to tell it when to go on."""
    os.kill(os.getpid(), _SIGKILL)
    while True:
        _signal.pause()
