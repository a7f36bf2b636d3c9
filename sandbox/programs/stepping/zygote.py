"""The zygote: an interpreter that has loaded what programs need, and forks a process for each of them.

To start an interpreter takes some twenty milliseconds, to fork one takes one. The zygote forks nothing by itself and
keeps nothing of a run except compiled code. What is left of a run is ended on request, and when the zygote ends.

Requests are texts, one per packet, with fields separated as the hook's are, together with the terminal of a new process
and its connection as descriptors. Each is answered by one packet.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _signal
import _socket
import array
import ast
import builtins
import contextlib
import ctypes
import gc
import os
import time
from functools import partial
from importlib.machinery import SourceFileLoader

from sandbox.programs.function import LockNotes
from sandbox.programs.stepping import births, loops, states, touches  # noqa: F401 - loaded here, need not be by each
from sandbox.programs.stepping.ending import Ending
from sandbox.programs.stepping.hook import Hook
from sandbox.programs.stepping.protocol import SEPARATOR, START, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

#: Requests: start a process; end all that is left of the run, after so many milliseconds of grace.
FORK, END = "fork", "end"
NAME = "ossandbox-zygote"
#: Modules of the standard library that may be imported without side effects.
_PRELOADED = frozenset(
    (
        *("abc", "argparse", "array", "ast", "asyncio", "base64", "bisect", "collections", "concurrent", "contextlib"),
        *("copy", "csv", "ctypes", "dataclasses", "datetime", "decimal", "enum", "errno", "fcntl", "functools"),
        *("hashlib", "heapq", "inspect", "io", "itertools", "json", "logging", "math", "mmap", "multiprocessing"),
        *("operator", "os", "pathlib", "pickle", "queue", "random", "re", "secrets", "select", "selectors", "shlex"),
        *("shutil", "signal", "socket", "socketserver", "statistics", "string", "struct", "subprocess", "sys"),
        *("tempfile", "textwrap", "threading", "time", "traceback", "types", "typing", "uuid", "weakref"),
    )
)
#: Submodules that it imports by itself when it is used.
_OF_MULTIPROCESSING = ("connection", "heap", "popen_fork", "queues", "sharedctypes", "synchronize", "util")
_MAX_REQUEST = 1 << 18
#: Signals that programs receive as usual, and we ignore.
_ORDINARY = (_signal.SIGHUP, _signal.SIGTERM)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_MAX_PAUSE_S = 0.002


class Zygote:
    """Serves the machine. ``control``: the socket to it."""

    def __init__(self, control: _socket.socket) -> None:
        self._control = control
        self._hook, self._lines = births.install()
        self._ending = Ending(self._hook, self._lines)
        self._follows = False
        self._locks = LockNotes("", threads=False)
        #: For each path: the modification time and size of the file, and its code.
        self._code: dict[str, tuple[tuple[int, int], CodeType]] = {}

    def serve(self) -> Callable[[], None] | None:
        """Answer requests until the machine is gone. Then end all processes and return None. In a new process, return
        its program."""
        while True:
            data, descriptors = self._receive()
            fields = data.split(SEPARATOR)
            if not data:
                self._end_all(0)
                return None
            if fields[0] == FORK:
                program = self._fork(fields[1:], *descriptors)
                if not isinstance(program, int):
                    return program
                for descriptor in descriptors:
                    os.close(descriptor)
                self._control.send(str(program).encode())
            else:
                self._end_all(int(fields[1]) / 1_000)
                self._control.send(b"ended")

    def _receive(self) -> tuple[str, array.array[int]]:
        descriptors = array.array("i")
        try:
            data, ancillary, _, _ = self._control.recvmsg(_MAX_REQUEST, _socket.CMSG_LEN(2 * descriptors.itemsize))
        except OSError:
            return "", descriptors
        for level, kind, content in ancillary:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                descriptors.frombytes(content)
        return data.decode(errors="surrogateescape"), descriptors

    # Births

    def _fork(self, fields: list[str], terminal: int, connection: int) -> int | Callable[[], None]:
        """Fork a process. Return its os_pid, or, in that process, its program."""
        name, file, function, arguments, address, folder, kind, seed, told, notes = fields
        path = os.path.join(folder, file)
        try:
            code: CodeType | Exception = self._compiled(path)
        except Exception as error:  # raised again in the new process, which prints it as an interpreter would
            code = error
        parent = os.getpid()
        os_pid = os.fork()
        if os_pid:
            return os_pid
        try:
            self._control.close()
            if notes:
                self._locks.path = notes
                self._locks.install()
            _get_ready(parent, name, terminal, folder, int(seed))
            self._hook.given = self._hook.take(connection)
            self._hook.begin(Settings(address, folder, kind == "instruction", told == "1"))
            program = Program(self._hook, self._ending, self._lines, code, path)
            return partial(program, file, function, ast.literal_eval(arguments))
        except BaseException:
            os._exit(1)

    def _compiled(self, path: str) -> CodeType:
        facts = os.stat(path)
        key = (facts.st_mtime_ns, facts.st_size)
        known = self._code.get(path)
        if known is None or known[0] != key:
            with open(path, "rb") as source:
                text = source.read()
            known = self._code[path] = key, compile(text, path, "exec", dont_inherit=True)
            loops.note(path, text)
            touches.note(path, text)
            self._load(text)
            gc.collect()
            gc.freeze()  # a collection in a child would copy all pages that it examines
        return known[1]

    def _load(self, text: bytes) -> None:
        """Import the modules of the standard library that a program imports, so that its processes have them from the
        start."""
        for node in ast.walk(ast.parse(text)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            for name in names:
                if name.partition(".")[0] in _PRELOADED:
                    with contextlib.suppress(Exception):  # no module, or an error that the program will get as well
                        __import__(name)
                    if name.startswith("multiprocessing"):
                        self._load_multiprocessing()

    def _load_multiprocessing(self) -> None:
        if not self._follows:
            self._follows = True
            for name in _OF_MULTIPROCESSING:
                __import__(f"multiprocessing.{name}")
            births.follow_spawned(self._hook)
            self._locks.prepare()

    # Ends

    def _end_all(self, grace_s: float) -> None:
        """End all that is left, whichever process is its parent, since orphans are handed to us. It may end by itself
        within ``grace_s`` seconds, and is then killed."""
        give_up_s, pause_s = time.monotonic() + grace_s, 0.0001
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            if time.monotonic() >= give_up_s:
                for os_pid in _descendants(os.getpid()):
                    try:
                        os.kill(os_pid, _signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _MAX_PAUSE_S)


def _descendants(os_pid: int) -> list[int]:
    """Return all descendants of a process, by the parent of each process, because not every kernel lists children."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [os_pid]
    while todo:
        todo += (new := children.get(todo.pop(), []))
        found += new
    return found


# In a new process


def _get_ready(parent: int, name: str, terminal: int, folder: str, seed: int) -> None:
    """Prepare a process of its own, with a terminal. That is not its controlling terminal: otherwise the end of the
    process would hang up on the processes that it leaves behind, since there is no shell as a session leader."""
    _prctl(_PR_SET_PDEATHSIG, _signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    if terminal > 2:
        os.close(terminal)
    for number in _ORDINARY:
        _signal.signal(number, _signal.SIG_DFL)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    comm = os.open("/proc/self/comm", os.O_WRONLY)
    os.write(comm, os.fsencode(name)[:15])
    os.close(comm)
    os.chdir(folder)
    if (chance := sys.modules.get("random")) is not None:
        chance.seed(seed)
    gc.enable()


class Program:
    """The program of a new process, to be called from the first frame of the interpreter."""

    def __init__(self, hook: Hook, ending: Ending, lines: births.Lines, code: CodeType | Exception, path: str) -> None:
        self._hook, self._ending, self._lines = hook, ending, lines
        self._code, self._path = code, path

    def __call__(self, file: str, function: str, arguments: list[object]) -> None:
        """Run the whole program, and handle an uncaught exception as an interpreter does."""
        try:
            module = self._begin(file, function, arguments)
            if isinstance(self._code, Exception):
                raise self._code
            self._lines.install()
            exec(self._code, module.__dict__)
            if function:
                getattr(module, function)(*arguments)
        except BaseException as error:
            raise self._ending.fails(error, __file__)  # noqa: B904 - keeps its cause, with all objects there
        self._ending.status = 0

    def _begin(self, file: str, function: str, arguments: list[object]) -> ModuleType:
        """Create the modules, and wait for the first turn. Return the module in which the code is to run."""
        path = self._path
        sys.argv = [file] if function else [file, *map(str, arguments)]
        sys.path[0] = os.path.dirname(path)
        new = type(sys)
        main = new("__main__")
        main.__file__ = path
        module = main
        if function:
            module = new(os.path.splitext(os.path.basename(file))[0])
            module.__file__ = path
            sys.modules[module.__name__] = module
        else:
            vars(main).update(__builtins__=builtins, __cached__=None, __loader__=SourceFileLoader("__main__", path))
            if "__annotations__" in vars(sys.modules["__main__"]):
                vars(main)["__annotations__"] = {}
        sys.modules["__main__"] = main
        stepper = self._hook.stepper()
        stepper.introduce(START)
        stepper.wait()
        self._hook.main_code = None if function or isinstance(self._code, Exception) else self._code
        return module


_libc = ctypes.CDLL(None)


def _prctl(option: int, value: int) -> None:
    _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def _remove(folder: str) -> None:
    """Remove a folder, and all that is in it."""
    try:
        for path, folders, files in os.walk(folder, topdown=False):
            for name in files:
                os.unlink(os.path.join(path, name))
            for name in folders:
                inner = os.path.join(path, name)
                os.unlink(inner) if os.path.islink(inner) else os.rmdir(inner)
        os.rmdir(folder)
    except OSError:  # another process removes it, too
        pass


def main(control: int, room: str) -> None:
    """Run the whole life of the zygote. ``room``: a folder that is removed when the machine is gone."""
    for number in (_signal.SIGINT, *_ORDINARY):
        _signal.signal(number, _signal.SIG_IGN)
    with open("/proc/self/comm", "w") as comm:
        comm.write(NAME)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    output: Any = sys.stdout
    output.reconfigure(line_buffering=True)
    zygote = Zygote(_socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, control))
    gc.collect()
    gc.freeze()
    gc.disable()
    own, program = os.getpid(), None
    try:
        program = zygote.serve()
    finally:
        if os.getpid() == own:
            _remove(room)
    if program is not None:
        program()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
