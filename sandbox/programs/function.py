"""A Python function from a file, called as the whole of a process: ``python function.py NAME SIGNAL FILE FUNCTION
ARGUMENTS NOTES``. Without a function it is the file itself, run as ``python3 FILE ARGUMENTS`` would.

It has an interpreter of its own, which knows nothing of us, so that the function finds what it would find under
``python3 FILE``; therefore nothing is imported here that an interpreter has not loaded anyway. The process stops
itself by the signal before the file is read: what it took to get so far is not its own doing.

Where ``NOTES`` names a file, each lock of ``multiprocessing`` is noted in it when it is made: in which process, where
in memory, and what the code calls it. Nothing is done when it is taken or released.
"""

import os
import sys

#: So many locks a process notes; a program may make them for ever.
_MAX_NOTED = 10_000
_LOCKS = "multiprocessing.synchronize"
#: What stands before the = of an assignment. A statement that makes a lock may have begun so many lines before.
_TARGET, _MAX_LINES = r"\s*([A-Za-z_][^=()#:]*?)\s*(?::[^=]*)?=(?!=)", 4


def main(name: str, stop: int, file: str, function: str, arguments: list[object]) -> None:
    """Be called ``name``, stop, then read ``file`` and call its ``function``.

    The file is both the module of its own name and what ``__main__`` stands for, so that modules beside it and
    ``multiprocessing`` find what they would find under ``python3 FILE``; the ``__name__`` guard keeps.
    """
    with open("/proc/self/comm", "wb") as comm:
        comm.write(os.fsencode(name))
    os.kill(os.getpid(), stop)
    path = os.path.abspath(file)
    sys.argv = [file]
    if not sys.flags.safe_path:  # else there is no folder of a script among the paths
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    new = type(sys)
    own, module = new("__main__"), new(os.path.splitext(os.path.basename(file))[0])
    own.__file__ = module.__file__ = path
    sys.modules.update({"__main__": own, module.__name__: module})
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - to run it is the purpose
    getattr(module, function)(*arguments)


def run(file: str, arguments: list[object]) -> None:
    """Run the ``file`` as ``__main__``: nothing else tells it from ``python3 FILE``."""
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
    exec(code, module.__dict__)  # noqa: S102 - to run it is the purpose


class LockNotes:
    """Notes the locks of ``multiprocessing`` in a file, as soon as the program imports them: a finder of modules that
    finds none itself."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._library = ""
        self._noted = 0
        self._lines: dict[str, list[str]] = {}
        #: How many were made so far at each place of the code.
        self._made: dict[tuple[str, int], int] = {}

    def install(self) -> None:
        """From now on, whether the program has imported them already or not."""
        module = sys.modules.get(_LOCKS)
        if module is not None:
            self._wrap(module)
        else:
            sys.meta_path.insert(0, self)  # type: ignore[arg-type]

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """What the next finder finds, for that one module."""
        if name != _LOCKS:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)  # type: ignore[arg-type]
            if spec is not None and spec.loader is not None:
                self._load, spec.loader.exec_module = spec.loader.exec_module, self._exec_module  # type: ignore[method-assign]
                return spec
        return None

    def _exec_module(self, module: object) -> None:
        self._load(module)  # type: ignore[arg-type]
        self._wrap(module)

    def _wrap(self, module: object) -> None:
        """Have each lock noted when it is made."""
        kind = getattr(module, "SemLock", None)
        make = getattr(kind, "_make_methods", None)
        if kind is None or make is None:
            return

        def make_methods(lock: object) -> None:
            make(lock)
            try:
                self._note(lock, kind)
            except Exception:  # what we cannot note shall not be the program's trouble
                return

        self._library = os.path.dirname(getattr(module, "__file__", "")) + os.sep
        kind._make_methods = make_methods

    def _note(self, lock: object, kind: type) -> None:
        if self._noted >= _MAX_NOTED:
            return
        self._noted += 1
        line = f"{os.getpid()} {id(lock._semlock):x} {self._name(kind)}\n"  # type: ignore[attr-defined]
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        try:
            os.write(file, line.encode(errors="replace")[:1_000])
        finally:
            os.close(file)

    def _name(self, kind: type) -> str:
        """What the code calls the lock that is being made: the target of the assignment; else its place."""
        frame = sys._getframe(3)
        direct = True
        while frame.f_code.co_filename.startswith(self._library) and frame.f_back is not None:
            maker = frame.f_locals.get("self")
            direct = direct and (frame.f_code.co_name != "__init__" or isinstance(maker, kind))
            frame = frame.f_back
        file, number = frame.f_code.co_filename, frame.f_lineno
        if file not in self._lines:
            with open(file, encoding="utf-8", errors="replace") as source:
                self._lines[file] = source.read().splitlines()
        made = self._made.get((file, number), 0)
        self._made[file, number] = made + direct
        import re  # whoever has such locks has imported it

        for line in reversed(self._lines[file][max(number - _MAX_LINES, 0) : number]):
            if line is not self._lines[file][number - 1] and not line.rstrip().endswith(("(", "[", "{", ",")):
                break
            if (match := re.match(_TARGET, line)) is not None:
                return _of_several(match[1], made, line)
        return f"{os.path.basename(file)}:{number}"


def _of_several(target: str, made: int, line: str) -> str:
    """The name of one of the locks that a line makes: ``a, b = Lock(), Lock()``, ``locks = [Lock() for _ in ...]``."""
    names = [name.strip() for name in target.split(",")] if "[" not in target else [target]
    if len(names) > 1:
        return names[min(made, len(names) - 1)].rpartition(".")[2]
    name = names[0] if "[" in names[0] else names[0].rpartition(".")[2]
    return f"{name}[{made}]" if made or " for " in line else name


def _without_us(error: BaseException) -> BaseException:
    """The same exception, traced from the file on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)


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
    except Exception as error:
        sys.excepthook(type(error), _without_us(error), error.__traceback__)
        sys.exit(1)
