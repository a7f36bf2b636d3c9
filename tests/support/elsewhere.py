"""Takes away from this process what other systems lack: ``python -m tests.support.elsewhere windows COMMAND …`` is
``ossandbox COMMAND …`` there, as far as that can be had on Linux.

What is not ours is imported first: on those systems it has parts of its own for them.
"""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import importlib
import locale
import os
import runpy
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

#: These know Linux, and are imported only where a real machine is wanted.
_LINUX = (
    *("sandbox.machines.linux", "sandbox.programs.stepping", "sandbox.analysis.exploration.runner"),
    *("sandbox.analysis.exploration.beside", "sandbox.link.watchdog"),
    *("sandbox.analysis.measurement.examine_linux", "sandbox.analysis.measurement.measure"),
    *("sandbox.analysis.exploration.touching", "sandbox.cli.isolate", "sandbox.tui.screens.system"),
    *("sandbox.analysis.exploration.story", "sandbox.programs.plain"),
)
#: And these any UNIX: its processes, and its terminals.
_UNIX = (
    *("sandbox.machines.posix", "sandbox.machines.life", "sandbox.machines.console", "sandbox.machines.consoles"),
    "sandbox.machines.reports",
    *("sandbox.programs.forking_server", "sandbox.tui.terminal", "sandbox.tui.screen_guard"),
)
#: Of ours, what cannot be imported there.
ABSENT = {"windows": (*_LINUX, *_UNIX), "macos": _LINUX}

_THIRD_PARTY = (
    "asyncio", "asyncio.selector_events", "atexit", "concurrent.futures", "concurrent.futures.process", "faulthandler",
    "multiprocessing", "multiprocessing.util", "subprocess", "tempfile", "threading", "uuid", "zipfile", "msgspec",
    "polib", "psutil", "rich.console", "rich.table", "textual.app", "textual.widgets", "textual.screen",
    "textual.command", "textual.widgets._button", "textual.widgets._input", "textual.widgets._label",
    "textual.widgets._option_list", "textual.widgets._static", "textual.drivers.headless_driver",
    "textual.drivers.linux_driver", "ssl", "aiohttp.web", "textual_serve.server",
)  # fmt: skip

#: The same for kernel processes and workers, which are smaller.
_WORKERS = (
    *("atexit", "concurrent.futures", "faulthandler", "subprocess", "tempfile", "threading", "uuid"),
    *("msgspec", "polib", "psutil"),
)

#: Commands that draw no screen, and what they are printed with.
_PLAIN = ("simulate", "compare", "sweep", "check", "whatif", "grade", "scenarios", "policies", "schema", "completion")
_PRINTED = ("rich.console", "rich.table")
_CLUSTERS = ("distributed",)

_NO_MODULES = {
    "windows": ("fcntl", "termios", "resource", "pwd", "grp", "pty", "tty", "syslog"),
    "macos": (),
}
#: What the modules of the standard library lack there.
_LACKS: dict[str, dict[Any, tuple[str, ...]]] = {
    "windows": {
        os: (
            *("fork", "forkpty", "wait", "wait3", "wait4", "waitid", "pidfd_open", "killpg", "nice", "openpty"),
            *("getuid", "geteuid", "getgid", "setsid", "getsid", "getpgid", "setpgid", "getpgrp", "tcgetpgrp"),
            *("sched_getaffinity", "sched_setaffinity", "sched_setscheduler", "sched_yield", "sched_param"),
            *("pipe2", "mkfifo", "posix_spawn", "memfd_create", "eventfd", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"),
            *("sysconf", "tcsetpgrp", "register_at_fork", "statvfs", "uname", "chown", "setns", "unshare", "getgroups"),
            *("O_NOFOLLOW", "O_DIRECTORY", "O_PATH", "O_SYNC", "O_NDELAY", "getloadavg", "getpriority", "setpriority"),
            *("pread", "pwrite", "preadv", "pwritev", "readv", "writev", "sendfile", "posix_fadvise", "fdatasync"),
            *("fchmod", "fchown", "lchown", "mknod", "chroot", "ttyname", "ctermid", "initgroups", "lockf", "sync"),
            *("setuid", "setgid", "setreuid", "setresuid", "getresuid", "posix_spawnp", "copy_file_range", "splice"),
            *(name for name in dir(os) if name.startswith(("EX_", "SCHED_", "CLONE_", "MFD_", "EFD_", "RTLD_"))),
        ),
        locale: ("nl_langinfo", "LC_MESSAGES", "CODESET", "bindtextdomain"),
        signal: (
            *("alarm", "setitimer", "getitimer", "pthread_sigmask", "pthread_kill", "sigwait", "sigwaitinfo"),
            *("sigtimedwait", "sigpending", "siginterrupt", "pidfd_send_signal", "pause"),
            *(
                name
                for name in dir(signal)
                if name.startswith(("SIG", "ITIMER"))
                and not name.startswith("SIG_")
                # Popen of this system needs SIGKILL (and WNOHANG); on Windows it is another class.
                and name not in ("SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIGKILL", "Signals")
            ),
        ),
        select: ("epoll", "poll"),
        socket: ("AF_UNIX", "AF_NETLINK", "AF_PACKET", "recv_fds", "send_fds", "SO_REUSEPORT", "MSG_DONTWAIT"),
        faulthandler: ("register",),
        time: (
            *("clock_gettime", "clock_gettime_ns", "clock_getres", "clock_settime", "pthread_getcpuclockid", "tzset"),
            *(name for name in dir(time) if name.startswith("CLOCK_")),
        ),
    },
    "macos": {
        os: (
            *("sched_getaffinity", "sched_setaffinity", "sched_setscheduler", "sched_param", "pidfd_open", "eventfd"),
            *("memfd_create", "pipe2", "setns", "unshare", "sched_getscheduler", "posix_fadvise", "copy_file_range"),
            *("waitid", "timerfd_create", "getrandom"),
        ),
        signal: ("pidfd_send_signal", "sigwaitinfo", "sigtimedwait", "SIGRTMIN", "SIGRTMAX", "SIGPWR", "SIGPOLL"),
        select: ("epoll",),
        socket: ("AF_NETLINK", "AF_PACKET", "SOCK_CLOEXEC", "SOCK_NONBLOCK"),
        time: ("CLOCK_BOOTTIME", "CLOCK_TAI"),
    },
}
_PLATFORMS = {"windows": "win32", "macos": "darwin"}


_ROOT = str(Path(__file__).parents[2])
#: What processes of ours are started by there.
_CHILD = f"import sys; sys.path.insert(0, {_ROOT!r}); from tests.support import elsewhere; elsewhere.child()"
#: Of the C library, what Linux alone has.
_CALLS_OF_LINUX = ("prctl", "perf_event_open", "sched_setaffinity", "setns", "unshare", "epoll_create1", "gettid")
#: Why Windows waits for nothing but sockets, and not for nothing at all (WSAENOTSOCK, WSAEINVAL).
_NO_SOCKET, _NOTHING = 10038, 10022


def become(system: str, loaded: tuple[str, ...] = (*_THIRD_PARTY, *_CLUSTERS)) -> None:
    """From now on this process finds what it would find there, and so do processes of ours that it starts. ``loaded``:
    what is there before."""
    for name in loaded:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # of another version
    for name in ("textual.drivers.linux_driver", "shutil"):
        _leave_its_own_ways(name)
    vars(subprocess)["_USE_POSIX_SPAWN"] = False  # as of 3.13 it is asked for at each start
    for name in (*_NO_MODULES[system], *ABSENT[system]):
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in _LACKS[system].items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    if hasattr(os, "process_cpu_count"):  # as of 3.13; here it asks for what is gone
        os.process_cpu_count = os.cpu_count
    sys.modules.setdefault("_scproxy", type(sys)("_scproxy"))
    sys.modules["_scproxy"].__dict__.update(_get_proxies=dict, _get_proxy_settings=dict)
    if system == "windows":
        socket.socketpair = _pair  # type: ignore[assignment]
        select.select = _select_sockets(select.select)
        socket.SIO_KEEPALIVE_VALS = 0  # type: ignore[attr-defined]
        socket.socket.ioctl = lambda *_: None  # type: ignore[attr-defined]  # Dask's connections are kept alive by it
    else:
        _tell_as_a_mac_does()
    _hide_calls(system)
    _hide_proc()
    _take_children_along(system)
    sys.platform = _PLATFORMS[system]


def _leave_its_own_ways(name: str) -> None:
    """A module of somebody else keeps what it draws a real terminal with, or finds programs: there it has other ways."""
    module = sys.modules.get(name)
    for lacking in (os, signal, select, sys):
        if module is not None and hasattr(module, lacking.__name__):
            whole = type(sys)(lacking.__name__)
            vars(whole).update(vars(lacking))
            setattr(module, lacking.__name__, whole)


def needs(words: list[str]) -> tuple[str, ...]:
    """What ``ossandbox WORDS`` is made with."""
    if words and words[0] in _PLAIN:
        return (*_WORKERS, *_PRINTED, *(_CLUSTERS if "--on" in words else ()))
    return (*_THIRD_PARTY, "matplotlib.pyplot") if words[:1] == ["plot"] else _THIRD_PARTY


def child() -> None:
    """A process of ours there: what ``python -m MODULE`` is here."""
    system, module, *words = sys.argv[1:]
    become(system, needs(words) if module == "sandbox" else _WORKERS)
    sys.argv[:] = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _take_children_along(system: str) -> None:
    """Kernel processes, workers and commands are started there, too."""
    popen: Any = subprocess.Popen
    start = popen.__init__

    def started(self: Any, command: Any, *arguments: Any, **more: Any) -> None:
        if isinstance(command, list) and command[:1] == [sys.executable] and "-m" in command:
            module, *words = command[command.index("-m") + 1 :]
            if module.partition(".")[0] == "sandbox":
                command = [sys.executable, "-X", "utf8", "-c", _CHILD, system, module, *words]
        start(self, command, *arguments, **more)

    popen.__init__ = started


def _select_sockets(real: Any) -> Any:
    """``select`` there."""

    def waited(readable: Any, writable: Any, exceptional: Any, timeout: float | None = None) -> Any:
        awaited = [*readable, *writable, *exceptional]
        if not awaited:
            raise OSError(_NOTHING, "An invalid argument was supplied")
        for each in awaited:
            descriptor = each if isinstance(each, int) else each.fileno()
            if descriptor >= 0 and not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise OSError(_NO_SOCKET, "An operation was attempted on something that is not a socket")
        return real(readable, writable, exceptional, timeout)

    return waited


def _hide_calls(system: str) -> None:
    """The C library is another one; Windows has none to be had in this way."""
    library: Any = ctypes.CDLL

    class Library(library):  # type: ignore[misc]
        def __init__(self, name: str | None, *arguments: Any, **more: Any) -> None:
            if name is None and system == "windows":
                raise TypeError("bad argument type for built-in operation")
            super().__init__(name, *arguments, **more)

        def __getattr__(self, name: str) -> Any:
            if name in _CALLS_OF_LINUX:
                raise AttributeError(name)
            return super().__getattr__(name)

    ctypes.CDLL = Library  # type: ignore[misc]


def _tell_as_a_mac_does() -> None:
    """What psutil knows on macOS: all who live are running, and their CPU time to the microsecond."""
    import psutil

    process: Any = psutil.Process
    status, told = process.status, (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)

    def seen(self: psutil.Process) -> str:
        found = str(status(self))
        return found if found in told else psutil.STATUS_RUNNING

    def cpu_times(self: psutil.Process) -> SimpleNamespace:
        try:
            used_ns = time.clock_gettime_ns((~self.pid << 3) | 2)  # as clock_getcpuclockid(3)
        except OSError:
            raise psutil.NoSuchProcess(self.pid) from None
        return SimpleNamespace(user=used_ns // 1_000 / 1e6, system=0.0)

    process.status, process.cpu_times = seen, cpu_times


def _pair(*_: object) -> tuple[socket.socket, socket.socket]:
    """What Windows has for ``socketpair``: two ends of a connection over the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        one = socket.create_connection(door.getsockname())
        other, _address = door.accept()
    return one, other


def _hide_proc() -> None:
    """There is no /proc."""
    import builtins
    import io

    def guarded(real: Any) -> Any:
        def opened(path: Any = ".", *arguments: Any, **more: Any) -> Any:
            if isinstance(path, str | bytes | os.PathLike):
                name = os.fsdecode(path)
                if (name == "/proc" or name.startswith("/proc/")) and not _asked_by_psutil():
                    raise FileNotFoundError(errno.ENOENT, "No such file or directory", name)
            return real(path, *arguments, **more)

        return opened

    builtins.open = io.open = guarded(builtins.open)
    for name in ("open", "listdir", "scandir", "readlink", "stat", "lstat", "access"):
        setattr(os, name, guarded(getattr(os, name)))


def _asked_by_psutil() -> bool:
    """It has other ways there."""
    frame = sys._getframe(2)
    for _ in range(3):  # it may have asked a module between
        if frame.f_globals["__name__"].startswith("psutil"):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


if __name__ == "__main__":
    become(sys.argv[1], needs(sys.argv[2:]))
    from sandbox.cli import main

    sys.argv[1:] = sys.argv[2:]
    sys.exit(main())
