"""What we use of Python's own that is not public: when one of these fails after an upgrade of Python, its name and its
message say what is to be mended in ``sandbox/util/interpreter.py``, and nothing else has to be searched."""

from __future__ import annotations

import argparse
import atexit
import subprocess
import sys
import threading

import pytest

from sandbox.util import interpreter

PYTHON = f"Python {sys.version.split()[0]}"


def printed(*lines: str) -> list[str]:
    """What a program of these lines prints, with the three functions at hand."""
    program = "\n".join(["import atexit, os, sys, threading, time", "from sandbox.util import interpreter", *lines])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_atexit_clear_forgets_what_was_to_be_done() -> None:
    assert hasattr(atexit, "_clear"), f"{PYTHON} has no atexit._clear: a child would do what we want done at our end"
    said = printed("atexit.register(print, 'ours')", "interpreter.forget_exit_functions()", "print('end')")
    assert said == ["end"], f"atexit._clear of {PYTHON} does not forget all that was registered"


def test_threading_shutdown_waits_for_threads() -> None:
    assert hasattr(threading, "_shutdown"), f"{PYTHON} has no threading._shutdown: a child would not wait for threads"
    said = printed(
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()",
        "interpreter.run_exit_functions()",
        "sys.stdout.flush()",
        "os._exit(0)",
    )
    assert said == ["thread"], f"threading._shutdown of {PYTHON} does not wait for threads"


def test_atexit_run_exitfuncs_does_what_was_to_be_done() -> None:
    assert hasattr(atexit, "_run_exitfuncs"), f"{PYTHON} has no atexit._run_exitfuncs: a child would leave them undone"
    said = printed(
        "atexit.register(print, 'first')",
        "atexit.register(print, 'second')",
        "interpreter.run_exit_functions()",
        "sys.stdout.flush()",
        "os._exit(0)",
    )
    assert said == ["second", "first"], f"atexit._run_exitfuncs of {PYTHON} does not run them, the last one first"


def test_argparse_asks_for_its_words_by_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_", "ngettext"):
        assert hasattr(argparse, name), f"argparse of {PYTHON} does not look its words up as {name}: it speaks English"
        monkeypatch.setattr(argparse, name, getattr(argparse, name))  # put back afterwards

    def loudly(text: str) -> str:
        return text if "%(" in text else text.upper()  # what stands in brackets is a name

    interpreter.translate_argparse(loudly, lambda one, many, number: loudly(one if number == 1 else many))
    said = argparse.ArgumentParser(prog="it").format_help()
    assert "USAGE: it" in said, f"argparse of {PYTHON} does not ask for its words where it says them"
