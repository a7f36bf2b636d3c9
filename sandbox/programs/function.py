"""A Python function from a file, called as the whole of a new process."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Sequence
from typing import NoReturn

from sandbox.util import interpreter


def call(file: str, function: str, args: Sequence[object]) -> int:
    """Load ``file`` and call its ``function``; the exit status that Python itself would give.

    The file is both the module of its own name and what ``__main__`` stands for, so that modules beside it
    and ``multiprocessing`` find what they would find under ``python3 FILE``; the ``__name__`` guard keeps.
    """
    import importlib.util  # in the child only: the kernel process, of which it is a copy, stays small

    name = os.path.splitext(os.path.basename(file))[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    sys.argv = [file]
    try:
        main = types.ModuleType("__main__")
        main.__file__ = file
        sys.modules["__main__"] = main
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            print(f"cannot load {file}", file=sys.stderr)
            return 1
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        getattr(module, function)(*args)
        return 0
    except SystemExit as wish:
        if wish.code is None or isinstance(wish.code, int):
            return wish.code or 0
        print(wish.code, file=sys.stderr)
        return 1
    except BaseException:
        print_exception()
        return 1


def print_exception() -> None:
    """The traceback of the exception in hand, on standard error."""
    import traceback

    traceback.print_exc()


def finish(status: int) -> NoReturn:
    """End this forked process as the interpreter would end: threads joined, exit functions run, output out."""
    try:
        interpreter.run_exit_functions()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 1
    os._exit(status & 0xFF)
