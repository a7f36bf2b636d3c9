"""Runs a Python function from a file as a process: ``python function.py NAME SIGNAL FILE FUNCTION ARGUMENTS NOTES``.
Without a function, runs the file like ``python3 FILE ARGUMENTS``.

The process is a fresh interpreter without this package, so that the function has the same environment as under
``python3 FILE``. Therefore nothing is imported here that an interpreter has not loaded anyway. The process stops itself
with the signal before it reads the file; the CPU time until then does not count as its own.

If ``NOTES`` names a file, the program's locks are announced there, so that their holders can be found.
"""

import os
import sys

#: The functions that wrap the locks of each module. They are in ``_PARTS``, files that are loaded when needed.
_WRAPS = {
    "threading": "wrap_threading",
    "multiprocessing.synchronize": "wrap_multiprocessing",
    "multiprocessing.spawn": "wrap_spawning",
}


_PARTS = ("lock_names", "thread_locks", "process_locks")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(name: str, stop: int, file: str, function: str, arguments: list[object]) -> None:
    """Set the process's name, stop, then read ``file`` and call its ``function``.

    The file is imported under its own name, and ``__main__`` refers to it as well, so that neighbouring modules and
    ``multiprocessing`` work as under ``python3 FILE``. Code below the ``__name__`` guard is not run.
    """
    if sys.platform == "linux":
        with open("/proc/self/comm", "wb") as comm:
            comm.write(os.fsencode(name))
    os.kill(os.getpid(), stop)
    path = os.path.abspath(file)
    sys.argv = [file]
    if not sys.flags.safe_path:  # else sys.path does not begin with the script's folder
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    new = type(sys)
    own, module = new("__main__"), new(os.path.splitext(os.path.basename(file))[0])
    own.__file__ = module.__file__ = path
    sys.modules.update({"__main__": own, module.__name__: module})
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    getattr(module, function)(*arguments)


def run(file: str, arguments: list[object]) -> None:
    """Run the ``file`` as ``__main__``, in the same environment as under ``python3 FILE``."""
    sys.argv = [file, *map(str, arguments)]
    sys.orig_argv = [sys.executable, *sys.argv]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    module, path = type(sys)("__main__"), os.path.abspath(file)
    ours = vars(sys.modules["__main__"])
    own = {"__file__": path, "__cached__": None, "__builtins__": sys.modules["builtins"]}
    own["__loader__"] = type(ours["__loader__"])("__main__", path)
    vars(module).update(own, **{name: {} for name in ("__annotations__",) if name in ours})
    sys.modules["__main__"] = module
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)


class LockNotes:
    """Announces locks in a file once the program imports the modules that create them. It is a meta path finder that
    only wraps the modules found by others. ``path``: the file; ``threads``: includes locks of threads, and where each
    lock is taken."""

    def __init__(self, path: str, threads: bool = True) -> None:
        self.path, self._threads = path, threads
        self._wanted = {name: wrap for name, wrap in _WRAPS.items() if threads or name != "threading"}
        self._locks: dict[str, Any] = {}

    def install(self) -> None:
        """Wrap the modules, whether they are imported already or not."""
        if self._threads:
            bare = sys.modules["_thread"]
            for name in ("allocate_lock", "allocate"):
                setattr(bare, name, _Allocate(getattr(bare, name), self))
        for name in [*self._wanted]:
            if (module := sys.modules.get(name)) is not None:
                self._wrap(name, module)
        if self._wanted:
            sys.meta_path.insert(0, self)

    def coated(self, frame: "Any") -> object:
        """Return a lock that announces its owner, for the code that allocates one; None if it gets a native lock: that
        is the import system, and the standard library as long as the program does not use threads."""
        file = frame.f_code.co_filename
        if file.startswith("<frozen") or ("threading" in self._wanted and _is_of_the_library(file)):
            return None
        try:
            self._load()
            return self._locks["_Lock"](None, frame)
        except Exception:  # then the caller gets a native lock
            return None

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Return the spec that another finder returns for one of the modules, with a loader that wraps the module."""
        if name not in self._wanted:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                loader: Any = spec.loader
                load = loader.exec_module

                def exec_module(module: object, load: "Any" = load, loader: "Any" = loader) -> None:
                    loader.exec_module = load
                    load(module)
                    self._wrap(name, module)

                loader.exec_module = exec_module
                return spec
        return None

    def _wrap(self, name: str, module: object) -> None:
        wrap = self._wanted.pop(name)
        if not self._wanted:
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        try:
            self._load()
            self._locks[wrap](module, self._locks["notes"])
        except Exception:  # a failure of ours must not affect the program
            return

    def _load(self) -> None:
        """Prepare, and begin to announce."""
        if "notes" not in self._locks:
            self.prepare()
            self._locks["notes"] = self._locks["Notes"](self.path, self._threads)
            self._locks["begin_notes"](self._locks["notes"])

    def prepare(self) -> None:
        """Execute the parts in a private namespace, so that they are not modules that the program can see."""
        if self._locks:
            return
        folder = os.path.dirname(os.path.abspath(__file__))
        loader = sys.modules["_frozen_importlib_external"].SourceFileLoader
        self._locks = {"__name__": "", "__file__": os.path.join(folder, "function.py")}
        for name in _PARTS:
            exec(loader(name, os.path.join(folder, name + ".py")).get_code(name), self._locks)


class _Allocate:
    """Replaces ``_thread.allocate_lock``. It looks like the native function, and like that it is not bound as a method
    when it is a class attribute."""

    def __init__(self, native: "Any", notes: LockNotes) -> None:
        self._native, self._notes = native, notes
        self.__module__, self.__doc__ = native.__module__, native.__doc__

    def __call__(self, *given: object, **named: object) -> object:
        lock = None if given or named else self._notes.coated(sys._getframe(1))
        return self._native(*given, **named) if lock is None else lock

    def __getattr__(self, name: str) -> object:
        return getattr(self._native, name)

    def __reduce__(self) -> "Any":
        return self._native.__name__

    def __repr__(self) -> str:
        return repr(self._native)

    __class__ = property(lambda self: type(self._native))


def _is_of_the_library(file: str) -> bool:
    return file.startswith(os.path.dirname(os.__file__) + os.sep) and f"{os.sep}site-packages{os.sep}" not in file


def _without_us(error: BaseException) -> None:
    """Remove our frames from the beginning of a traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace


if __name__ == "__main__":
    try:
        called, stop, file, function, arguments, notes = sys.argv[1:]
        if notes:
            LockNotes(notes).install()
        given = eval(arguments)  # noqa: S307 - a list that we wrote
        if function:
            main(called, int(stop), file, function, given)
        else:
            run(file, given)
    except BaseException as error:
        _without_us(error)
        raise  # adds no frame to the traceback
