"""Private parts of Python's standard library, all that are used here: for these things there is no public way.

``tests/pure/test_interpreter.py`` has a test for each, which says what an upgrade of Python has broken.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable


def forget_exit_functions() -> None:
    """In a forked child: what its parent wants done at its end is not the child's to do."""
    atexit._clear()


def run_exit_functions() -> None:
    """In a forked child that will leave by ``os._exit``: what the interpreter does at its end. Threads are joined
    first, because they may still register functions."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def translate_argparse(gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> None:
    """Have argparse speak as these two say: it looks its words up by two names that it imports from gettext, and those
    know the catalogues of Python only."""
    import argparse  # the kernel process does without

    vars(argparse).update(_=gettext, ngettext=ngettext)
