"""All uses of private parts of Python's standard library, for tasks that have no public interface.

``tests/pure/test_interpreter.py`` has a test for each, which shows what an upgrade of Python has broken. Code that is
loaded into a program's own interpreter cannot import this module and contains such knowledge about locks itself
(``programs/thread_locks``, ``process_locks``); the same tests cover it.
"""

from __future__ import annotations

import _thread
import atexit
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from textwrap import TextWrapper
    from typing import Any

#: Return the number of threads.
count_threads = _thread._count


def forget_exit_functions() -> None:
    """In a forked child, drop the exit functions that its parent has registered."""
    atexit._clear()


def run_exit_functions() -> None:
    """In a forked child that will leave by ``os._exit``, do what the interpreter does at exit: join the threads first,
    because they may still register exit functions, then call these."""
    threading._shutdown()  # type: ignore[attr-defined]  # private, like everything here
    atexit._run_exitfuncs()


def translate_argparse(gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> None:
    """Make argparse translate its messages with these two functions instead of those that it imports from the gettext
    module, which know only Python's own catalogues."""
    import argparse  # imported here because the kernel process does not need it

    vars(argparse).update(_=gettext, ngettext=ngettext)


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the options and arguments of a parser."""
    return [*parser._actions]


def commands_of(action: argparse.Action) -> argparse._SubParsersAction[argparse.ArgumentParser] | None:
    """Return the action if it holds the parsers of subcommands, else None."""
    import argparse

    return action if isinstance(action, argparse._SubParsersAction) else None


def break_help_like(formatter: type[argparse.HelpFormatter], wrap: Callable[..., list[str]]) -> None:
    """Make a help formatter wrap lines with ``wrap``, as argparse counts characters, not terminal cells. ``wrap`` is
    called with a text, a width and, for a paragraph of its own, the indent of each line."""
    kind: Any = formatter
    kind._split_lines = lambda _, text, width: wrap(text, width)
    kind._fill_text = lambda _, text, width, indent: "\n".join(wrap(text, width, indent))


def say_by(parser: type[argparse.ArgumentParser], write: Callable[[str, Any], object]) -> None:
    """Make a parser print its messages with ``write``, which gets the text and the stream (None: not specified)."""
    kind: Any = parser
    kind._print_message = lambda _, message, file=None: write(message, file) if message else None


def check_choices_by(parser: type[argparse.ArgumentParser], check: Callable[[argparse.Action, Any], None]) -> None:
    """Make a parser check the values of options that have choices with ``check``, which raises ArgumentError."""
    kind: Any = parser
    kind._check_value = lambda _, action, value: check(action, value)


def split_words_like(wrapper: type[TextWrapper], pieces: Callable[[list[str]], list[str]]) -> None:
    """Make a text wrapper pass its list of words through ``pieces`` before it fills lines with them."""
    kind: Any = wrapper
    words = kind._split
    kind._split = lambda self, text: pieces(words(self, text))


# Locks and other objects of programs


def note_failure(function: Callable[..., Any], note: Callable[[], object]) -> None:
    """If this is the function of a thread of ``threading``, have ``note`` called when an uncaught exception ends the
    thread, which handles it by itself."""
    thread = getattr(function, "__self__", None)
    if isinstance(thread, threading.Thread):
        parts = vars(thread)
        report = parts["_invoke_excepthook"]

        def reported(failed: threading.Thread) -> None:
            if not isinstance(sys.exception(), SystemExit):
                note()
            report(failed)

        parts["_invoke_excepthook"] = reported


def use_locks(make: Callable[[], Any]) -> None:
    """Make the conditions of ``threading``, and everything built on them, wait on locks that ``make`` creates."""
    vars(threading)["_allocate_lock"] = make


def renew_lock(lock: Any) -> None:
    """In a forked child, reset a lock to free, whichever thread of the parent had it."""
    lock._at_fork_reinit()


def follow_semaphores(kind: Any, acquire: Callable[[Any], Any]) -> None:
    """For locks of this kind (``multiprocessing.synchronize.SemLock``) that are created from now on, replace the
    ``acquire`` method by what ``acquire`` returns for the lock's semaphore."""
    make = kind._make_methods

    def make_methods(lock: Any) -> None:
        make(lock)
        lock.acquire = acquire(lock._semlock)

    kind._make_methods = make_methods
    kind.__enter__ = lambda lock: lock.acquire()


def owns_lock(lock: Any) -> bool:
    """Whether the calling thread has a reentrant lock."""
    return bool(lock._is_owned())


def semaphore_state(semaphore: Any) -> tuple[bool, int]:
    """Return whether the calling thread has a ``multiprocessing`` semaphore, and how many times."""
    return semaphore._is_mine(), semaphore._count()


def process_state(process: Any) -> tuple[object, ...]:
    """Return the state of a ``multiprocessing`` process: its identity, whether it has begun, and whether it is closed.
    The exit code is not included, because it depends on whether the program has asked for it already."""
    return process._identity, process._popen is not None, process._closed


def is_forked_at_start(process: Any) -> bool:
    """Whether a ``multiprocessing`` process is started by a fork of its parent."""
    method = process._start_method or sys.modules["multiprocessing"].get_start_method(allow_none=True)
    return method == "fork" if method is not None else sys.version_info < (3, 14)


def lock_of(shared: Any) -> object:
    """Return the lock of a synchronized shared value of ``multiprocessing``."""
    return shared._lock


def value_of(shared: Any) -> object:
    """Return the ``ctypes`` object in a synchronized shared value of ``multiprocessing``."""
    return shared._obj


def bytes_of(memory: Any) -> memoryview:
    """Return the buffer of a ``SharedMemory``, even if the program has closed it."""
    found: memoryview = memory._buf
    return found


def simple_data() -> Any:
    """Return the base class of all numbers and characters of ``ctypes``."""
    import _ctypes

    return _ctypes._SimpleCData
