"""How the hook gets into a process.

It is installed when a process begins, inherited by a forked process, and put in front of the code of a process that
``multiprocessing`` starts by exec.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import atexit
import os

from sandbox.programs.stepping import wakes
from sandbox.programs.stepping.hook import Hook
from sandbox.programs.stepping.monitoring import LineMonitor
from sandbox.programs.stepping.protocol import Settings
from sandbox.programs.stepping.tracing import LineTracer, follow_threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

#: The ways in which an interpreter reports lines.
Lines = LineMonitor | LineTracer
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
#: What a spawned interpreter runs first.
_FIRST = (
    "import sys; sys.path.insert(0, {root!r}); from sandbox.programs.stepping import births; "
    "sys.path.remove({root!r}); births.install_in_spawned(*{settings}, {rank}, {is_server}); del births; {code}"
)
_set_trace = sys.settrace
_OF_TRACKER = "from multiprocessing.resource_tracker import main;main("
_OF_SERVER = "from multiprocessing.forkserver import main"


def install() -> tuple[Hook, Lines]:
    """Install the hook in this process and all that it starts. Its threads step once ``Hook.begin`` was called and the
    tracer is installed."""
    hook = Hook()
    tracer: Lines = LineMonitor(hook) if hasattr(sys, "monitoring") else LineTracer(hook)
    follow_threads(tracer, hook)
    wakes.follow_threads(hook.here)
    os.register_at_fork(after_in_parent=lambda: _count(hook), after_in_child=lambda: _forked(hook))
    _announce_exit(hook)
    _note_children(hook)
    _hide()
    return hook, tracer


def install_in_spawned(
    address: str, folder: str, by_instruction: bool, tells_states: bool, rank: tuple[int, ...], is_server: bool
) -> None:
    """Install the hook in an interpreter that ``multiprocessing`` has executed. ``is_server``: whether it only forks
    others."""
    hook, tracer = install()
    hook.begin(Settings(address, folder, by_instruction, tells_states))
    follow_spawned(hook)
    atexit.register(tracer.finish)
    if is_server:
        hook.lineage.rank = rank
    else:
        hook.born(rank)
    tracer.install()


def _hide() -> None:
    """Remove our modules from ``sys.modules``, since a module of the program may have the same name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sandbox"]:
        del sys.modules[name]


def _count(hook: Hook) -> None:
    if hook.settings is not None and not _Tracker.forks:
        hook.lineage.bear()


def _forked(hook: Hook) -> None:
    if hook.settings is not None and not _Tracker.forks:
        hook.forked()


def _announce_exit(hook: Hook) -> None:
    """Have ``os._exit`` report the exit status, because the parent may reap the process before the machine sees the
    status."""
    leave: Callable[[int], NoReturn] = os._exit

    def _exit(status: int) -> NoReturn:
        if hook.settings is not None and isinstance(status, int):
            hook.stepper().end(status)
        leave(status)

    os._exit = _exit


def _note_children(hook: Hook) -> None:
    """Note the children that are forked: their os_pids differ from run to run, so states refer to them by ordinal
    numbers."""
    fork: Callable[[], int] = os.fork

    def noted() -> int:
        os_pid = fork()
        if os_pid:
            hook.noted(os_pid)
        return os_pid

    os.fork = noted


class _Tracker:
    """The resource tracker of ``multiprocessing``, which the library starts by exec. Here it is forked, which takes a
    tenth of the time."""

    forks = False

    @classmethod
    def fork(cls, descriptor: int) -> int:
        """Fork a tracker that reads from this descriptor, and return its os_pid."""
        cls.forks = True
        try:
            os_pid = os.fork()
        finally:
            cls.forks = False
        if os_pid:
            return os_pid
        try:
            _set_trace(None)
            os.closerange(3, descriptor)
            os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
            from multiprocessing.resource_tracker import main

            main(descriptor)
        finally:
            os.kill(os.getpid(), 9)
        return 0


def follow_spawned(hook: Hook) -> None:
    """Install the hook in what ``multiprocessing`` executes, whether this program has loaded that already or will."""
    from multiprocessing import util

    wakes.follow_processes()
    library: Any = util
    execute = library.spawnv_passfds

    def spawnv_passfds(path: Any, arguments: Any, descriptors: Any) -> int:
        arguments = list(arguments)
        if "-c" in arguments and hook.settings is not None:
            at = arguments.index("-c") + 1
            code = arguments[at]
            if code.startswith(_OF_TRACKER):
                return _Tracker.fork(int(code.removeprefix(_OF_TRACKER).rstrip(")")))
            is_server = code.startswith(_OF_SERVER)
            rank = *hook.lineage.rank, hook.lineage.bear()
            hook.lineage.awaited -= is_server  # it has no lines, and is not awaited
            settings = hook.settings.written()
            arguments[at] = _FIRST.format(root=_ROOT, settings=settings, rank=rank, is_server=is_server, code=code)
        os_pid: int = execute(path, arguments, descriptors)
        return os_pid

    library.spawnv_passfds = spawnv_passfds
    _await_served(hook)


def _await_served(hook: Hook) -> None:
    """Have the machine await children that the fork server forks on request of this process."""
    from multiprocessing import forkserver

    library: Any = forkserver
    request = library.connect_to_new_process

    def connect_to_new_process(descriptors: Any) -> Any:
        connection = request(descriptors)
        hook.lineage.awaited += 1
        return connection

    library.connect_to_new_process = connect_to_new_process
