"""Private parts of Python's standard library, all that are used here: for these things there is no public way.

``tests/pure/test_interpreter.py`` has a test for each, which says what an upgrade of Python has broken. What is put
into a program's own interpreter cannot import this, and knows by itself how locks are made (``programs/thread_locks``,
``process_locks``); the same tests look there.
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

#: How many threads there are.
count_threads = _thread._count


def forget_exit_functions() -> None:
    """In a forked child: what its parent wants done at its end is not the child's to do."""
    atexit._clear()


def run_exit_functions() -> None:
    """In a forked child that will leave by ``os._exit``: what the interpreter does at its end. Threads are joined
    first, because they may still register functions."""
    threading._shutdown()  # type: ignore[attr-defined]  # private, as all of these
    atexit._run_exitfuncs()


def translate_argparse(gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> None:
    """Have argparse speak as these two say: it looks its words up by two names that it imports from gettext, and those
    know the catalogues of Python only."""
    import argparse  # the kernel process does without

    vars(argparse).update(_=gettext, ngettext=ngettext)


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The options and arguments that a parser takes."""
    return [*parser._actions]


def commands_of(action: argparse.Action) -> argparse._SubParsersAction[argparse.ArgumentParser] | None:
    """What knows the parsers of commands, where an argument is one."""
    import argparse

    return action if isinstance(action, argparse._SubParsersAction) else None


def break_help_like(formatter: type[argparse.HelpFormatter], wrap: Callable[..., list[str]]) -> None:
    """Have a formatter of help break its lines by this: argparse counts characters, not cells. It is given a text, a
    width, and where a text is a paragraph of its own, what each line begins with."""
    kind: Any = formatter
    kind._split_lines = lambda _, text, width: wrap(text, width)
    kind._fill_text = lambda _, text, width, indent: "\n".join(wrap(text, width, indent))


def say_by(parser: type[argparse.ArgumentParser], write: Callable[[str, Any], object]) -> None:
    """Have a parser say what it says by this: its text, and the stream to which it would write."""
    kind: Any = parser
    kind._print_message = lambda _, message, file=None: write(message, file) if message else None


def split_words_like(wrapper: type[TextWrapper], pieces: Callable[[list[str]], list[str]]) -> None:
    """Have a wrapper of text fill its lines with these pieces of what it takes for words."""
    kind: Any = wrapper
    words = kind._split
    kind._split = lambda self, text: pieces(words(self, text))


# Locks, and what else a program may hold


def use_locks(make: Callable[[], Any]) -> None:
    """Have the conditions of ``threading``, and all that is made of one, wait in locks that these are."""
    vars(threading)["_allocate_lock"] = make


def renew_lock(lock: Any) -> None:
    """In a forked child: a lock is free, whoever had it in the parent."""
    lock._at_fork_reinit()


def follow_semaphores(kind: Any, acquire: Callable[[Any], Any]) -> None:
    """Have each lock of this kind (``multiprocessing.synchronize.SemLock``) that is made from now on be taken by what
    this makes of its semaphore."""
    make = kind._make_methods

    def make_methods(lock: Any) -> None:
        make(lock)
        lock.acquire = acquire(lock._semlock)

    kind._make_methods = make_methods
    kind.__enter__ = lambda lock: lock.acquire()


def owns_lock(lock: Any) -> bool:
    """Whether this thread has a lock that its owner may take again."""
    return bool(lock._is_owned())


def semaphore_state(semaphore: Any) -> tuple[bool, int]:
    """Of one of ``multiprocessing``: whether this thread has it, and how often."""
    return semaphore._is_mine(), semaphore._count()


def process_state(process: Any) -> tuple[object, ...]:
    """Of a process of ``multiprocessing``: who it is, whether it has begun, whether it is closed. How it has ended is
    no part of that: whoever wants to know asks the system, and may have done so already."""
    return process._identity, process._popen is not None, process._closed


def is_forked_at_start(process: Any) -> bool:
    """Whether a process of ``multiprocessing`` is a copy of who starts it."""
    method = process._start_method or sys.modules["multiprocessing"].get_start_method(allow_none=True)
    return method == "fork" if method is not None else sys.version_info < (3, 14)


def lock_of(shared: Any) -> object:
    """Of a value of ``multiprocessing`` that several share."""
    return shared._lock


def value_of(shared: Any) -> object:
    """What is in it."""
    return shared._obj


def bytes_of(memory: Any) -> memoryview:
    """Of a ``SharedMemory``, also of one whose program has closed it."""
    found: memoryview = memory._buf
    return found


def simple_data() -> Any:
    """What all numbers and characters of ``ctypes`` are."""
    import _ctypes

    return _ctypes._SimpleCData
