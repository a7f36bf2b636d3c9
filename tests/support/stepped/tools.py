"""More programs that behave one line a turn as they do alone: tools of the library, threads, pools, signals."""

# mypy: ignore-errors

import asyncio
import bdb
import contextlib
import cProfile
import dataclasses
import doctest
import functools
import io
import multiprocessing
import operator
import os
import pdb
import pstats
import signal
import sys
import threading
import time
import trace
import traceback
import types
import unittest
import warnings
from concurrent import futures


def plain(n):
    total = 0
    for i in range(n):
        total += i
    return total


def counts_lines():
    tracer = trace.Trace(count=1, trace=0)
    tracer.runfunc(plain, 3)
    first = plain.__code__.co_firstlineno
    counts = tracer.results().counts
    print(sorted((line - first, n) for (file, line), n in counts.items() if file == plain.__code__.co_filename))


def profiles():
    profile = cProfile.Profile()
    profile.runcall(plain, 3)
    stats = pstats.Stats(profile)
    print(sorted((name, calls) for (_, _, name), (_, calls, *_) in stats.stats.items() if name == "plain"))


def monitors():
    if not hasattr(sys, "monitoring"):
        return
    seen, own = [], sys.monitoring
    own.use_tool_id(2, "mine")
    own.register_callback(2, own.events.LINE, lambda code, line: seen.append(line - plain.__code__.co_firstlineno))
    own.set_local_events(2, plain.__code__, own.events.LINE)
    plain(2)
    own.set_local_events(2, plain.__code__, 0)
    own.free_tool_id(2)
    print(seen)


def debugs():
    out = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("step\nnext\nnext\np total\ncontinue\n"), stdout=out, nosigint=True)
    debugger.use_rawinput = False
    debugger.runcall(plain, 2)
    print([line for line in out.getvalue().splitlines() if "->" in line or line.isdecimal()])


class Stops(bdb.Bdb):
    def __init__(self):
        super().__init__()
        self.lines = []

    def user_line(self, frame):
        self.lines.append(frame.f_lineno - plain.__code__.co_firstlineno)
        self.set_step()


def breaks_at_lines():
    stops = Stops()
    stops.runcall(plain, 2)
    print(stops.lines, sys.gettrace())


def executes_much():
    source = (
        "\n".join(f"x{i} = {i}" for i in range(300)) + "\ntotal = sum(v for k, v in globals().items() if k[0] == 'x')"
    )
    world = {}
    exec(compile(source, "made up", "exec"), world)
    print(world["total"], eval("[y + 1 for y in (1, 2)]"))


def goes_round_often():
    total = 0
    for i in range(200):
        total += i
        if i % 3:
            continue
        total -= 1
    print(total)


def decorated(work):
    @functools.wraps(work)
    def wrapper(*arguments):
        return [work(*arguments)]

    return wrapper


@decorated
def doubles(x):
    return 2 * x


@functools.lru_cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def decorators():
    print(doubles(4), doubles.__name__, fibonacci(12), fibonacci.cache_info().misses)
    print(functools.reduce(operator.add, map(doubles, range(3))))


@contextlib.contextmanager
def noted(name):
    print("in", name)
    try:
        yield name
    except KeyError as error:
        print("caught", error)
    finally:
        print("out", name)


def managers():
    with noted("a"), noted("b") as b:
        raise KeyError(b)
    with contextlib.ExitStack() as stack:
        print([stack.enter_context(noted(name)) for name in "cd"])


class Meta(type):
    def __new__(cls, name, bases, own):
        own["made"] = sorted(key for key in own if not key.startswith("__"))
        return super().__new__(cls, name, bases, own)


class Made(metaclass=Meta):
    x = 1

    def __getattr__(self, name):
        return name.upper()

    def __del__(self):
        print("gone")


@dataclasses.dataclass(order=True, slots=True)
class Point:
    x: int
    y: int = 0


def classes():
    made = Made()
    print(made.made, made.other, Point(1) < Point(1, 2), Point(3))
    del made
    print(types.SimpleNamespace(a=1), sorted([Point(2), Point(1)]))


def warns():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    print(len(seen), seen[0].message, seen[0].lineno - warns.__code__.co_firstlineno)


def tests_itself():
    class Case(unittest.TestCase):
        def test_right(self):
            assert plain(3) == 3

        def test_wrong(self):
            assert plain(3) == 4

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    print(result.testsRun, len(result.failures))
    print(doctest.run_docstring_examples("no examples", {}, verbose=False))


def leaves_in_a_thread():
    def work():
        sys.exit(3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print("still here")


def fails_in_a_thread():
    def work():
        raise ValueError("in a thread")

    threading.excepthook = lambda told: print(told.exc_type.__name__, told.exc_value)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def waits_in_threads():
    ready, counted = threading.Condition(), []
    barrier, gate = threading.Barrier(2), threading.Semaphore(0)

    def work(n):
        barrier.wait(5)
        with ready:
            while not counted:
                ready.wait(5)
            counted.append(n)
        gate.release()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    [thread.start() for thread in threads]
    with ready:
        counted.append("go")
        ready.notify_all()
    [gate.acquire() for _ in threads]
    [thread.join() for thread in threads]
    print(sorted(map(str, counted)))
    local = threading.local()
    local.x = 1
    print(local.x, threading.current_thread().name, threading.Event().wait(0.01))


def waits_in_processes():
    context = multiprocessing.get_context("fork")
    ready, counted = context.Condition(), context.Value("i", 0)
    people = [context.Process(target=counts_in, args=(ready, counted)) for _ in range(2)]
    [person.start() for person in people]
    with ready:
        counted.value = 1
        ready.notify_all()
    [person.join() for person in people]
    lock = context.RLock()
    with lock, lock:
        print(counted.value, [person.exitcode for person in people], lock.acquire(False))
    other = context.Lock()
    print(other.acquire(), other.acquire(False), other.acquire(timeout=0.01), other)


def counts_in(ready, counted):
    with ready:
        while not counted.value:
            ready.wait(5)
        counted.value += 1


def uses_executors():
    with futures.ThreadPoolExecutor(2) as threads:
        print(sorted(threads.map(plain, range(4))))
    with futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as processes:
        print([*processes.map(plain, range(4))])
        print(type(processes.submit(divides, 0).exception()).__name__)


def divides(x):
    return 1 / x


def makes_tasks():
    async def work(n):
        await asyncio.sleep(0)
        if n == 2:
            raise ValueError(n)
        return n

    async def main():
        try:
            async with asyncio.TaskGroup() as group:
                [group.create_task(work(n)) for n in range(3)]
        except* ValueError as errors:
            print("group", [str(error) for error in errors.exceptions])

        async def numbers():
            for i in range(3):
                yield i

        print([i async for i in numbers() if i])
        print(await asyncio.to_thread(plain, 3))
        print(await asyncio.wait_for(asyncio.sleep(0.001, "slept"), 5))

    asyncio.run(main())


def interrupted_in_a_line():
    seen = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(frame.f_code.co_name))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    end = time.monotonic() + 0.05
    while time.monotonic() < end: pass  # fmt: skip
    print(len(seen), seen[:1])
    signal.raise_signal(signal.SIGALRM)
    print(len(seen))
    r, w = os.pipe()
    signal.set_wakeup_fd(w, warn_on_full_buffer=False) if os.set_blocking(w, False) is None else None
    signal.raise_signal(signal.SIGALRM)
    print(os.read(r, 1) == bytes([signal.SIGALRM]))
    signal.set_wakeup_fd(-1)


def raises_in_a_handler():
    class Late(Exception):
        pass

    def late(number, frame):
        raise Late

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        threading.Lock().acquire() and time.sleep(5)
    except Late:
        print("late")
    lock = multiprocessing.get_context("fork").Lock()
    lock.acquire()
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        lock.acquire()
    except Late:
        print("late again")


def tells_where():
    def inner():
        return traceback.extract_stack(limit=2)

    print([(part.name, part.line) for part in inner()])
    try:
        divides(0)
    except ZeroDivisionError as error:
        print([part.name for part in traceback.extract_tb(error.__traceback__)], sys.exception() is error)
        try:
            raise KeyError("next") from error
        except KeyError as second:
            print(second.__cause__ is error, len(traceback.format_exception(second)) > 3)


def closes_a_generator():
    def numbers():
        try:
            while True: yield from range(2)  # fmt: skip
        except GeneratorExit:
            print("closed")
            raise
        finally:
            print("finally")

    it = numbers()
    print(next(it), next(it), next(it))
    it.close()
    print([*zip(range(3), (n for n in iter(int, 1)))], max((i for i in range(3)), key=lambda i: -i))
