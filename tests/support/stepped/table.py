"""Programs that behave one line a turn as they do alone: each is run both ways, and its output compared."""

# mypy: ignore-errors

import _thread
import asyncio
import atexit
import contextlib
import gc
import inspect
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from multiprocessing import shared_memory


def own_settrace():
    seen = []

    def tracer(frame, event, argument):
        if frame.f_code.co_name == "traced":
            seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return tracer

    def traced(n):
        total = 0
        for i in range(n):
            total += i
        return total

    before = sys.gettrace()
    sys.settrace(tracer)
    print(sys.gettrace() is tracer)
    traced(3)
    sys.settrace(None)
    print(before, sys.gettrace())
    traced(3)
    print(seen)


def own_settrace_raises():
    def tracer(frame, event, argument):
        if frame.f_code.co_name == "traced" and event == "line":
            raise ValueError("of the tracer")
        return tracer

    def traced():
        return 1

    sys.settrace(tracer)
    try:
        traced()
    except ValueError as error:
        print(error)
    print(sys.gettrace())
    print(traced())


def own_settrace_jumps():
    said = []

    def tracer(frame, event, argument):
        first = frame.f_code.co_firstlineno
        if frame.f_code.co_name == "leaps" and event == "line" and frame.f_lineno == first + 1:
            frame.f_lineno = first + 2
        return tracer

    def leaps():
        said.append(1)
        said.append(2)

    sys.settrace(tracer)
    leaps()
    sys.settrace(None)
    print(said)


def own_setprofile():
    seen = []

    def profile(frame, event, argument):
        if frame.f_code.co_name == "inner":
            seen.append(event)

    def inner():
        return len([1])

    sys.setprofile(profile)
    inner()
    sys.setprofile(None)
    print(seen)


def executes():
    space = {}
    exec("def double(x):\n    y = x * 2\n    return y\nz = double(4)", space)
    print(space["z"], eval("[double(i) for i in range(3)]", space))
    x = 1
    d = {}
    exec("x = 5", {}, d)
    print(x, d, eval("x + 1"))


def handlers():
    told = []

    def handler(number, frame):
        told.append((number, frame.f_code.co_name))

    signal.signal(signal.SIGUSR1, handler)
    os.kill(os.getpid(), signal.SIGUSR1)
    print(told)
    signal.raise_signal(signal.SIGUSR1)
    print(told, signal.getsignal(signal.SIGUSR1) is handler, signal.pthread_sigmask(signal.SIG_BLOCK, []))


def handler_raises():
    def handler(number, frame):
        raise ValueError("from a handler")

    signal.signal(signal.SIGUSR1, handler)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        x = 1
        print("not here", x)
    except ValueError as error:
        print("caught", error)
    try:
        signal.raise_signal(signal.SIGINT)
        print("nor here")
    except KeyboardInterrupt:
        print("interrupted")
    print("goes on")


def alarm():
    def handler(number, frame):
        print("alarm")

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    signal.pause()
    print("after")


def leaves():
    print("leaving", flush=True)
    try:
        os._exit(3)
    finally:
        print("never")


def generators():
    def numbers(n):
        try:
            for i in range(n):
                got = yield i
                if got:
                    print("got", got)
        except KeyError as error:
            print("thrown", error)
            yield "last"
        finally:
            print("closed")

    g = numbers(5)
    print(next(g), g.send("a"), next(g))
    print(g.throw(KeyError("k")))
    g.close()

    def outer():
        value = yield from numbers(2)
        return value

    print(list(outer()))


def exceptions():
    def fails():
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise RuntimeError("second") from error
        finally:
            print("finally")

    try:
        fails()
    except RuntimeError as error:
        print(type(error.__cause__).__name__, error.__traceback__.tb_lineno - own_first_line())
        print([each.name for each in traceback.extract_tb(error.__traceback__)])
    else:
        print("no")
    try:
        raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
    except* ValueError as group:
        print(group.exceptions)
    except* TypeError as group:
        print(group.exceptions)


def own_first_line():
    return exceptions.__code__.co_firstlineno


def contexts():
    @contextlib.contextmanager
    def managed(name):
        print("enter", name)
        try:
            yield name
        except ValueError:
            print("swallowed")
        finally:
            print("exit", name)

    with managed("a") as a, managed("b") as b:
        print(a, b)
        raise ValueError
    with contextlib.ExitStack() as stack:
        stack.callback(print, "called back")
        stack.enter_context(managed("c"))


def comprehensions():
    n = 3
    print([i * n for i in range(n)], {i: (lambda: i)() for i in range(n)}, {i % 2 for i in range(n)})
    print(sum(i for i in range(n) if i), sorted([3, 1, 2], key=lambda x: -x))
    print([[j for j in range(i)] for i in range(n)])
    if (m := n + 1) > 3:
        print(m)


def asynchronous():
    async def producer(box):
        for i in range(3):
            await box.put(i)
            await asyncio.sleep(0)
        await box.put(None)

    async def consumer(box):
        got = []
        while (item := await box.get()) is not None:
            got.append(item)
        return got

    async def main():
        box = asyncio.Queue(1)
        _, got = await asyncio.gather(producer(box), consumer(box))
        async with asyncio.timeout(5):
            await asyncio.sleep(0.01)
        return got

    print(asyncio.run(main()))


def recursion():
    def depth(n):
        return depth(n + 1) if n < 200 else n

    print(depth(0))


def objects():
    class Thing:
        count = 0

        def __init__(self):
            Thing.count += 1

        @property
        def loud(self):
            print("property")
            return 1

        def __repr__(self):
            print("repr")
            return "Thing"

        def __del__(self):
            print("gone")

        def __len__(self):
            print("len")
            return 2

        def __eq__(self, other):
            print("eq")
            return True

        __hash__ = None

    thing = Thing()
    weak = weakref.ref(thing)
    other = [thing]
    print(weak() is thing, Thing.count)
    del other
    del thing
    print(weak() is None, gc.collect() >= 0)


def looks_at_itself():
    frame = sys._getframe()
    print(frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, frame.f_trace is None or True)
    x = 5
    print(sorted(locals()), inspect.currentframe().f_locals["x"], [*inspect.signature(own_first_line).parameters])
    print(__name__, sys.argv[1:], os.path.basename(__file__), x)


def matches():
    for subject in (1, "a", [1, 2, 3], {"k": 1}, None):
        match subject:
            case int():
                print("int")
            case [first, *rest]:
                print(first, rest)
            case {"k": value}:
                print("k", value)
            case str() as word if word:
                print(word)
            case _:
                print("other")


def in_threads():
    lock, box, done = threading.Lock(), queue.Queue(), []

    def work(n):
        for i in range(2):
            with lock:
                done.append(n)
            box.put((n, i))

    threads = [threading.Thread(target=work, args=(n,), name=f"t{n}") for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(done), sorted(box.get() for _ in range(4)), threading.active_count())
    event = threading.Event()
    _thread.start_new_thread(event.set, ())
    print(event.wait(5))


def says_goodbye():
    atexit.register(print, "at exit")
    sys.exit("with words")


def becomes_another():
    print("first", flush=True)
    os.execv("/bin/echo", ["echo", "second"])


def forks():
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def starts_others():
    print(subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True).stdout.strip())
    print(os.popen("echo shell").read().strip())


def shares():
    value, array = multiprocessing.Value("i", 0), multiprocessing.Array("d", 2)
    memory = shared_memory.SharedMemory(create=True, size=8)
    p = multiprocessing.Process(target=fill, args=(value, array, memory.name))
    p.start()
    p.join()
    print(value.value, array[:], memory.buf[0], p.exitcode)
    memory.close()
    memory.unlink()


def fill(value, array, name):
    with value.get_lock():
        value.value += 1
    array[1] = 2.5
    memory = shared_memory.SharedMemory(name)
    memory.buf[0] = 9
    memory.close()


def pools():
    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, range(4)))


def square(n):
    return n * n


def passes_messages():
    here, there = multiprocessing.Pipe()
    box = multiprocessing.Queue()
    p = multiprocessing.Process(target=answers, args=(there, box))
    p.start()
    here.send("question")
    print(here.recv(), box.get())
    p.join()


def answers(connection, box):
    box.put(connection.recv().upper())
    connection.send("answer")


def sleeps():
    before = time.monotonic()
    time.sleep(0.02)
    print(time.monotonic() - before >= 0.02)


def fails():
    values = [1, 2]
    return values[5]


def terminates_others():
    p = multiprocessing.Process(target=time.sleep, args=(60,))
    p.start()
    p.terminate()
    p.join()
    print(p.exitcode)
    r, w = os.pipe()
    if os.fork() == 0:
        waits_for_a_signal(w)
    os.read(r, 1)
    os.kill(-os.getpgrp() if False else child_of_mine(), signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.wait()[1]))


def waits_for_a_signal(w):
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(5))
    os.write(w, b"x")
    while True:
        signal.pause()


def child_of_mine():
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        return int(children.read().split()[-1])


def closes_everything():
    print("before")
    os.closerange(3, 4096)
    x = 1
    print("after", x)


def becomes_a_daemon():
    r, w = os.pipe()
    if os.fork() == 0:
        if os.fork(): os._exit(0)  # fmt: skip
        os.setsid()
        os.write(w, b"daemon")
        os._exit(0)
    os.wait()
    os.close(w)
    print(os.read(r, 9))


def recurses_too_deep():
    def endless(n):
        return endless(n + 1)

    sys.setrecursionlimit(120)
    try:
        endless(0)
    except RecursionError:
        print("caught")
    x = 1
    print("goes on", x)


def another_thread_is_interrupted():
    class Late(Exception):
        pass

    def late(number, frame):
        raise Late

    def sends():
        os.kill(os.getpid(), signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, late)
    thread = threading.Thread(target=sends)
    try:
        thread.start()
        for _ in range(1_000):
            time.sleep(0.001)
    except Late as error:
        traces = traceback.extract_tb(error.__traceback__)
        print(
            {trace.name for trace in traces} <= {"another_thread_is_interrupted", "late", "start", "wait", "__enter__"}
        )
    thread.join()
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def recurses_again():
    def depth():
        try:
            return depth() + 1
        except RecursionError as error:
            last[:] = [type(error)]
            return 0

    last = []
    sys.setrecursionlimit(200)
    deep = depth()
    for told in (deep > 20, last):
        print(told)


def is_interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
