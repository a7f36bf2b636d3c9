"""Programs whose orders are tried one line a turn."""

# mypy: ignore-errors

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path


def add():
    count = int(Path("count").read_text())
    count = count + 1
    Path("count").write_text(str(count))


def philosopher(first, second):
    first.acquire()
    second.acquire()
    second.release()
    first.release()


def philosophers():
    forks = [multiprocessing.Lock() for _ in range(2)]
    a = multiprocessing.Process(target=philosopher, args=(forks[0], forks[1]))
    b = multiprocessing.Process(target=philosopher, args=(forks[1], forks[0]))
    a.start()
    b.start()
    a.join()
    b.join()
    print("fine")


def enter(mine, other, turn, me, count):
    mine.value = 1
    turn.value = 1 - me
    while other.value and turn.value == 1 - me: pass  # fmt: skip
    seen = count.value
    count.value = seen + 1
    mine.value = 0


def peterson():
    flags = [multiprocessing.RawValue("i", 0) for _ in range(2)]
    turn, count = multiprocessing.RawValue("i", 0), multiprocessing.RawValue("i", 0)
    a = multiprocessing.Process(target=enter, args=(flags[0], flags[1], turn, 0, count))
    b = multiprocessing.Process(target=enter, args=(flags[1], flags[0], turn, 1, count))
    a.start()
    b.start()
    a.join()
    b.join()
    print(count.value)


def put(box):
    for n in range(2):
        box.put(n)


def queued():
    box = multiprocessing.Queue()
    p = multiprocessing.Process(target=put, args=(box,))
    p.start()
    print(box.get(), box.get())
    p.join()


def forks():
    pid = os.fork()
    print("child" if pid == 0 else "parent")
    if pid == 0:
        os._exit(3)
    print(os.waitstatus_to_exitcode(os.wait()[1]))


def count(box):
    for _ in range(2):
        seen = box[0]
        box[0] = seen + 1


def threads():
    box = [0]
    both = [threading.Thread(target=count, args=(box,)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    print(box[0])


def grow(value):
    value.value += 1


def spawns(method):
    context = multiprocessing.get_context(method)
    value = context.Value("i", 0)
    p = context.Process(target=grow, args=(value,))
    p.start()
    p.join()
    print(value.value, p.exitcode)


def goes_round(other):
    while not other.value: pass  # fmt: skip


def spins():
    value = multiprocessing.RawValue("i", 0)
    a = multiprocessing.Process(target=goes_round, args=(value,))
    b = multiprocessing.Process(target=goes_round, args=(value,))
    a.start()
    b.start()
    a.join()
    b.join()


def asks():
    name = input("name? ")
    print("hello", name)


def two_lines():
    x = 1
    x = x + 1


def sleeps():
    time.sleep(30)


def never_ends():
    sum(iter(int, 1))


def leaves_children():
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(1)
    time.sleep(30)
