"""Programs whose ends have effects, which are the same one line a turn as alone. The argument chooses one of them."""

# mypy: ignore-errors
# ruff: noqa: F821 - names that `keep` assigns

import asyncio
import atexit
import io
import logging
import logging.handlers
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from concurrent import futures


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, helps(), sys is not None)


def helps():
    return os.sep


def keep(**names):
    globals().update(names)


def leaves_objects():
    keep(first=Noisy("first"), _second=Noisy("second"), third=[Noisy("third")])
    cycle = [Noisy("in a cycle")]
    cycle.append(cycle)
    os.noisy = Noisy("in another module")


def leaves_a_file_open():
    keep(file=os.fdopen(os.dup(1), "wb"))
    file.write(b"written late\n")
    print("at once")


def leaves_a_generator():
    def numbers():
        try:
            yield 1
        finally:
            print("closed")

    keep(suspended=numbers())
    print(next(suspended))


def leaves_a_coroutine():
    async def never():
        pass

    keep(late=never())


def leaves_weak_references():
    class Plain:
        pass

    keep(one=Plain(), other=Plain())
    keep(reference=weakref.ref(one, lambda _: print("seen to go")))
    weakref.finalize(other, print, "finalized")


def fails_when_it_goes():
    class Fails:
        def __del__(self):
            raise ValueError("too late")

    sys.unraisablehook = lambda told: print("unraisable", told.exc_type.__name__, told.exc_value, file=sys.__stdout__)
    keep(fails=Fails(), hook=sys.unraisablehook)


def imports_when_it_goes():
    class Imports:
        def __del__(self):
            try:
                import colorsys

                print(colorsys.__name__)
            except ImportError as error:
                print(error)

    keep(imports=Imports())


def raises_with_objects_left():
    keep(first=Noisy("first"))
    here = Noisy("in the frame")
    raise LookupError(here.name)


def registers_in_order():
    def says(word):
        print(word, threading.current_thread().name)
        atexit.register(print, "registered late")

    atexit.register(says, "one")
    atexit.register(says, "two")
    atexit.register(print, "never")
    atexit.unregister(print)
    keep(noisy=Noisy("after them"))


def fails_at_exit():
    def fails():
        raise ValueError("at exit")

    sys.unraisablehook = lambda told: print(told.exc_type.__name__)
    atexit.register(print, "still called")
    atexit.register(fails)
    atexit.register(sys.exit, 3)


def goes_on_in_a_thread():
    def works():
        time.sleep(0.01)
        atexit.register(print, "from the thread")
        print("thread", threading.main_thread().is_alive())

    atexit.register(print, "at exit")
    threading.Thread(target=works).start()
    print("main is over")


def leaves_a_daemon():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    keep(noisy=Noisy("beside a daemon"))


def leaves_a_timer():
    threading.Timer(0.01, print, ("late",)).start()
    print("early")


def leaves_an_executor():
    keep(executor=futures.ThreadPoolExecutor(1))
    executor.submit(time.sleep, 0.01)
    executor.submit(print, "still done")


def leaves_children():
    context = multiprocessing.get_context("fork")
    gate = context.Event()
    context.Process(target=lambda: gate.wait(5) and print("child")).start()
    context.Process(target=time.sleep, args=(60,), daemon=True).start()
    atexit.register(gate.set)
    atexit.register(print, "before they are joined", flush=True)


def forks_and_returns():
    atexit.register(lambda: print("at exit", "child" if os.getpid() != parent else "parent"))
    keep(noisy=Noisy("in both"), parent=os.getpid())
    sys.stdout.flush()
    if os.fork():
        os.wait()


def leaves_at_once():
    atexit.register(print, "never")
    keep(noisy=Noisy("never"))
    os._exit(5)


def is_terminated():
    atexit.register(print, "never")
    os.kill(os.getpid(), signal.SIGTERM)


def leaves_by_a_word():
    exit("in words")


def leaves_by_an_object():
    raise SystemExit(["an", "object"])


def leaves_by_much():
    sys.exit(-1)


def leaves_by_too_much():
    sys.exit(2**40 + 3)


def leaves_by_yes():
    sys.exit(True)


class Leaves(SystemExit):
    pass


def leaves_by_its_own():
    keep(noisy=Noisy("first"))
    raise Leaves(7)


def leaves_while_leaving():
    try:
        sys.exit(3)
    finally:
        print("in between")
        sys.exit(4)


def has_an_own_hook():
    sys.excepthook = lambda kind, error, trace: print("hook", kind.__name__, trace.tb_next is None)
    raise KeyError("x")


def has_a_hook_that_fails():
    def fails(kind, error, trace):
        raise ValueError("in the hook")

    sys.excepthook = fails
    raise KeyError("x")


def has_a_hook_that_leaves():
    sys.excepthook = lambda kind, error, trace: sys.exit(9)
    raise KeyError("x")


def has_no_hook():
    del sys.excepthook
    raise KeyError("x")


def says_it_unfinished():
    print("no end of line", end="")
    sys.stderr.write("nor here")


def has_an_own_output():
    class Shouts(io.StringIO):
        def flush(self):
            sys.__stdout__.write(self.getvalue().upper())
            self.truncate(0)

    sys.stdout = Shouts()
    print("collected", end=" ")


def has_an_output_that_fails():
    class Fails(io.StringIO):
        def flush(self):
            raise OSError("disk full")

    sys.stdout = Fails()
    sys.unraisablehook = lambda told: print(told.exc_value, file=sys.__stdout__)


def closes_its_output():
    print("before")
    sys.stdout.close()


def has_no_output():
    print("before")
    sys.stdout = None


def loses_its_output():
    sys.unraisablehook = lambda told: sys.stderr.write(told.exc_type.__name__)
    sys.stdout.write("lost")
    os.close(1)


def logs_at_the_end():
    target = logging.StreamHandler(sys.stdout)
    keeps = logging.handlers.MemoryHandler(100, target=target)
    logging.getLogger().addHandler(keeps)
    logging.getLogger().warning("kept until the end")
    print("first")


def leaves_a_loop():
    keep(loop=asyncio.new_event_loop())
    loop.run_until_complete(asyncio.sleep(0))
    print("done")


def is_interrupted_at_exit():
    atexit.register(print, "later")
    keep(noisy=Noisy("at last"))
    raise KeyboardInterrupt


if __name__ == "__main__":
    globals()[sys.argv[1]]()
