"""What we use of Python's own that is not public: when one of these fails after an upgrade of Python, its name and its
message say what is to be mended in ``sandbox/util/interpreter.py``, and nothing else has to be searched."""

from __future__ import annotations

import _thread
import argparse
import atexit
import ctypes
import multiprocessing
import subprocess
import sys
import threading
from multiprocessing import synchronize
from multiprocessing.shared_memory import SharedMemory
from textwrap import TextWrapper
from typing import Any

import pytest

from sandbox.util import interpreter
from tests.support.systems import unix

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


def test_argparse_has_what_the_shell_is_told_of() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--option")
    parser.add_subparsers().add_parser("command")
    assert hasattr(parser, "_actions"), f"argparse of {PYTHON} has no _actions: the tab key completes nothing"
    commands = [found for action in interpreter.actions_of(parser) if (found := interpreter.commands_of(action))]
    assert [[*found.choices] for found in commands] == [["command"]], f"argparse of {PYTHON} keeps commands elsewhere"


def test_choices_are_checked_by_us() -> None:
    class Parser(argparse.ArgumentParser): ...

    asked: list[object] = []
    interpreter.check_choices_by(Parser, lambda action, value: asked.append(value))
    parser = Parser(prog="it")
    parser.add_argument("--option", choices=["a", "b"])
    parser.parse_args(["--option", "c"])
    assert asked == ["c"], f"argparse of {PYTHON} does not ask _check_value: a wrong word gets no suggestion"


def test_help_is_laid_out_and_said_by_us() -> None:
    class Formatter(argparse.HelpFormatter): ...

    class Parser(argparse.ArgumentParser): ...

    said: list[str] = []
    interpreter.break_help_like(Formatter, lambda text, width, indent="": [indent + text.upper()])
    interpreter.say_by(Parser, lambda text, file: said.append(text))
    parser = Parser(prog="it", description="described", formatter_class=Formatter)
    parser.add_argument("--option", help="helped")
    parser.print_help()
    assert said, f"argparse of {PYTHON} does not speak by _print_message: what cannot be shown is not replaced"
    assert "HELPED" in said[0], f"argparse of {PYTHON} does not ask _split_lines: help in Chinese is too wide"
    assert "DESCRIBED" in said[0], f"argparse of {PYTHON} does not ask _fill_text: help in Chinese is too wide"


def test_text_is_wrapped_in_our_pieces() -> None:
    class Wrapper(TextWrapper): ...

    interpreter.split_words_like(Wrapper, lambda words: [piece for word in words for piece in word])
    assert Wrapper(2).wrap("abcd") == ["ab", "cd"], f"textwrap of {PYTHON} does not ask _split: Chinese is not broken"


def test_conditions_wait_in_locks_of_ours() -> None:
    said = printed(
        "import _thread",
        "interpreter.use_locks(lambda: (print('made'), _thread.allocate_lock())[1])",
        "threading.Event().wait(0.01)",
    )
    assert said == ["made"], (
        f"threading of {PYTHON} does not make them by _allocate_lock: who wakes is the system's choice"
    )


def test_semaphores_are_taken_by_ours() -> None:
    said = printed(
        "import multiprocessing.synchronize",
        "kind = multiprocessing.synchronize.SemLock",
        "interpreter.follow_semaphores(kind, lambda its: lambda *how: (print('taken'), its.acquire(*how))[1])",
        "with multiprocessing.Lock(): print('in')",
    )
    assert said == ["taken", "in"], (
        f"multiprocessing of {PYTHON} takes its locks another way: who wakes is left to chance"
    )


@unix
def test_what_a_program_holds_can_be_read() -> None:
    lock, reentrant, shared = _thread.allocate_lock(), threading.RLock(), multiprocessing.Value("i", 7)
    lock.acquire()
    interpreter.renew_lock(lock)
    assert not lock.locked(), f"_at_fork_reinit of {PYTHON} does not free a lock: a forked program hangs"
    assert not interpreter.owns_lock(reentrant)
    with reentrant, shared.get_lock() as taken:
        assert taken
        assert interpreter.owns_lock(reentrant), f"RLock._is_owned of {PYTHON} does not tell who has it"
        inner: Any = interpreter.lock_of(shared)
        assert interpreter.semaphore_state(inner._semlock) == (True, 1), f"{PYTHON} does not tell who has a semaphore"
    assert isinstance(interpreter.value_of(shared), interpreter.simple_data()), f"{PYTHON} shares values another way"
    assert issubclass(ctypes.c_double, interpreter.simple_data())
    assert interpreter.count_threads() >= 0
    identity, began, closed = interpreter.process_state(multiprocessing.Process())
    assert (bool(identity), began, closed) == (True, False, False), f"{PYTHON} keeps the state of processes elsewhere"
    for method in ("fork", "spawn"):
        context: Any = multiprocessing.get_context(method)
        started = context.Process()
        assert interpreter.is_forked_at_start(started) == (method == "fork"), f"{PYTHON} keeps elsewhere how they start"
    memory = SharedMemory(create=True, size=8)
    try:
        assert bytes(interpreter.bytes_of(memory)[:8]) == bytes(8)
    finally:
        memory.close()
        memory.unlink()


#: What is used within a program's own interpreter, where nothing of ours can be imported.
WITHIN = [
    (threading, "_CRLock", "a lock that its owner takes again tells no owner"),
    (threading, "_allocate_lock", "a condition's lock tells no owner"),
    (_thread.RLock, "_acquire_restore", "who has waited for a condition is not noted as the lock's owner"),
    (type(_thread.allocate_lock()), "_at_fork_reinit", "a forked program's locks cannot be renewed"),
    (synchronize.SemLock, "_make_methods", "locks between processes are not noted"),
    (multiprocessing.Lock(), "_semlock", "locks between processes are not noted"),
]


@pytest.mark.parametrize(("where", "name", "lost"), WITHIN, ids=[name for _, name, _ in WITHIN])
def test_locks_of_programs_are_made_as_their_coats_know_it(where: object, name: str, lost: str) -> None:
    assert hasattr(where, name), f"{PYTHON} has no {name} there: {lost} (sandbox/programs/thread_locks, process_locks)"


@pytest.mark.parametrize(("error", "fails"), [(ValueError, True), (SystemExit, False)])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_tells_by_which_exception_it_ends(error: type[BaseException], fails: bool) -> None:
    def work() -> None:
        raise error

    noted: list[bool] = []
    thread: Any = threading.Thread(target=work)
    interpreter.note_failure(thread._bootstrap, lambda: noted.append(True))
    thread.start()
    thread.join()
    assert bool(noted) == fails, f"{PYTHON} reports uncaught exceptions of threads elsewhere: such runs count as right"
