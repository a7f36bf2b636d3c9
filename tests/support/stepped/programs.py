"""Programs whose orders are tried one line a turn."""

# mypy: ignore-errors

import atexit
import fcntl
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import shared_memory
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


def fails_in_threads():
    def fails():
        raise ValueError

    def leaves():
        sys.exit(3)

    for work in (fails, leaves):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


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


def starts_several(method):
    context = multiprocessing.get_context(method)
    value = context.Value("i", 0)
    people = [context.Process(target=grow, args=(value,)) for _ in range(3)]
    for person in people:
        person.start()
    for person in people:
        person.join()


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


def writes_under_a_lock(n):
    with open("log", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(str(n))
        file.flush()
        fcntl.flock(file, fcntl.LOCK_UN)


def locks_a_file():
    both = [multiprocessing.Process(target=writes_under_a_lock, args=(n,)) for n in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    print(sorted(Path("log").read_text()))


def takes(condition, box):
    with condition:
        while not box.value:
            condition.wait()
        box.value -= 1


def waits_on_a_condition():
    condition, box = multiprocessing.Condition(), multiprocessing.RawValue("i", 0)
    p = multiprocessing.Process(target=takes, args=(condition, box))
    p.start()
    with condition:
        box.value += 1
        condition.notify()
    p.join()
    print(box.value)


def writes_to_a_pipe():
    with open("pipe", "w") as pipe:
        pipe.write("hello\n")


def meets_at_a_named_pipe():
    os.mkfifo("pipe")
    p = multiprocessing.Process(target=writes_to_a_pipe)
    p.start()
    with open("pipe") as pipe:
        print(pipe.read())
    p.join()


def serves(port):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port.value = listening.getsockname()[1]
        connection, _ = listening.accept()
        connection.sendall(connection.recv(5).upper())
        connection.close()


def speaks():
    port = multiprocessing.RawValue("i", 0)
    p = multiprocessing.Process(target=serves, args=(port,))
    p.start()
    while not port.value: pass  # fmt: skip
    with socket.create_connection(("127.0.0.1", port.value)) as connection:
        connection.sendall(b"hello")
        print(connection.recv(5))
    p.join()


def leaves_memory():
    memory = shared_memory.SharedMemory("ossandbox-test-steps", create=True, size=8)
    memory.buf[0] += 1
    print(memory.buf[0])
    memory.close()


def comes_in(gate, order, me):
    with gate:
        gate.wait(5)
        order[order[-1]] = me
        order[-1] += 1


def wakes_all():
    gate, order = multiprocessing.Condition(), multiprocessing.RawArray("i", 4)
    people = [multiprocessing.Process(target=comes_in, args=(gate, order, me)) for me in range(3)]
    for person in people:
        person.start()
    while gate._sleeping_count.get_value() < 3:
        pass
    with gate:
        gate.notify_all()
    for person in people:
        person.join()


def leaves_work():
    atexit.register(two_lines)
    threading.Thread(target=count, args=([0],)).start()


def circles():
    while True: pass  # fmt: skip


def leaves_another_running():
    subprocess.run(["yes"], stdout=subprocess.DEVNULL)
