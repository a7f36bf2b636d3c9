"""More programs that are right or wrong in some order of turns: algorithms of textbooks, files, shared memory."""

from __future__ import annotations

from tests.support.racy import Program

_BAKERY = """
def enter(choosing, number, inside, me):
    choosing[me] = {chooses}
    most = max(number)
    number[me] = 1 + most
    choosing[me] = 0
    for other in range(len(number)):
        while choosing[other]: pass
        while number[other] and (number[other], other) < (number[me], me): pass
    inside.value += 1
    assert inside.value == 1
    inside.value -= 1
    number[me] = 0

def main():
    many = {many}
    choosing, number = context.Array("i", many, lock=False), context.Array("i", many, lock=False)
    inside = context.Value("i", 0, lock=False)
    together(*[(enter, choosing, number, inside, me) for me in range(many)])
"""
_NOTIFIED = """
def take(count, changed):
    with changed:
        while not count.value:
            changed.wait()
        count.value -= 1

def put(count, changed):
    with changed:
        count.value += 2
        changed.{notify}()

def main():
    count, changed = context.Value("i", 0, lock=False), context.Condition()
    together((take, count, changed), (take, count, changed), (put, count, changed))
    print(f"count = {{count.value}}")
"""
_BUFFER = """
def put(full, empty, mutex, slots, at, thing):
    {wait}
    {lock}.acquire()
    here = at.value
    slots[here % 2] = thing
    at.value = here + 1
    {lock}.release()
    full.release()

def take(full, empty, mutex, slots, at, sum):
    for _ in range(2):
        full.acquire()
        mutex.acquire()
        sum.value += slots[at.value % 2]
        at.value += 1
        mutex.release()
        empty.release()

def main():
    full, empty, mutex = context.Semaphore(0), context.Semaphore(2), context.Lock()
    slots, sum = context.Array("i", 2, lock=False), context.Value("i", 0, lock=False)
    first, last = context.Value("i", 0, lock=False), context.Value("i", 0, lock=False)
    together((put, full, empty, mutex, slots, last, 3), (put, full, empty, mutex, slots, last, 4),
             (take, full, empty, mutex, slots, first, sum))
    print(f"sum = {{sum.value}}")
"""

MORE = [
    Program("bakery-of-3", _BAKERY.format(chooses=1, many=3), slow=True),
    Program("bakery-of-3-hasty", _BAKERY.format(chooses=0, many=3), broken="ends badly", orders=600),
    Program(
        "semaphore-buffer",
        _BUFFER.format(wait="empty.acquire()", lock="mutex"),
        claims=("p.sum = 7",),
        slow=True,
    ),
    Program(
        "semaphore-buffer-own-locks",
        _BUFFER.format(wait="mine = context.Lock()", lock="mine"),
        claims=("p.sum = 7",),
        broken="claim fails",
    ),
    Program(
        "semaphore-buffer-crossed",
        _BUFFER.format(wait="mutex.acquire(); empty.acquire(); mutex.release()", lock="mutex").replace(
            "        full.acquire()\n        mutex.acquire()", "        mutex.acquire()\n        full.acquire()"
        ),
        claims=("p.sum = 7",),
        broken="deadlock",
    ),
    Program(
        "half-written-file",
        """
        def write():
            with open("record", "w") as file:
                file.write("name=ann\\n")
                file.flush()
                file.write("sum=7\\n")

        def read():
            try:
                lines = open("record").read().splitlines()
            except FileNotFoundError:
                return
            assert len(lines) == 2

        def main():
            together((write,), (read,))
        """,
        broken="ends badly",
    ),
    Program(
        "renamed-file",
        """
        import os

        def write():
            with open("record.new", "w") as file:
                file.write("name=ann\\n")
                file.flush()
                file.write("sum=7\\n")
            os.rename("record.new", "record")

        def read():
            try:
                lines = open("record").read().splitlines()
            except FileNotFoundError:
                return
            assert len(lines) == 2

        def main():
            together((write,), (read,))
        """,
    ),
    Program(
        "folder-if-missing",
        """
        import os

        def make():
            if not os.path.exists("place"):
                os.mkdir("place")

        def main():
            together((make,), (make,))
        """,
        broken="ends badly",
    ),
    Program(
        "flocked-counter",
        """
        import fcntl

        def add():
            with open("count", "r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                seen = int(file.read())
                file.seek(0)
                file.write(str(seen + 1))

        def main():
            with open("count", "w") as file:
                file.write("0")
            together((add,), (add,))
            print("count =", open("count").read())
        """,
        claims=("p.count = 2",),
    ),
    Program(
        "flocked-too-late",
        """
        import fcntl

        def add():
            with open("count", "r+") as file:
                seen = int(file.read())
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                file.write(str(seen + 1))

        def main():
            with open("count", "w") as file:
                file.write("0")
            together((add,), (add,))
            print("count =", open("count").read())
        """,
        claims=("p.count = 2",),
        broken="claim fails",
    ),
    Program(
        "lock-file",
        """
        import os

        def add(x):
            while True:
                try: os.close(os.open("lock", os.O_CREAT | os.O_EXCL)); break
                except FileExistsError: continue
            seen = x.value
            x.value = seen + 1
            os.unlink("lock")

        def main():
            x = context.Value("i", 0, lock=False)
            together((add, x), (add, x))
            print(f"x = {x.value}")
        """,
        claims=("p.x = 2",),
    ),
    Program(
        "shared-memory",
        """
        from multiprocessing import shared_memory

        def add(name):
            memory = shared_memory.SharedMemory(name)
            seen = memory.buf[0]
            memory.buf[0] = seen + 1
            memory.close()

        def main():
            memory = shared_memory.SharedMemory(create=True, size=16)
            together((add, memory.name), (add, memory.name))
            print(f"x = {memory.buf[0]}")
            memory.close()
            memory.unlink()
        """,
        claims=("p.x = 2",),
        broken="claim fails",
    ),
    Program(
        "barrier-too-few",
        """
        def work(barrier, done, me):
            done[me] = 1
            barrier.wait()
            assert sum(done) == 3

        def main():
            barrier, done = context.Barrier(2), context.Array("i", 3, lock=False)
            together((work, barrier, done, 0), (work, barrier, done, 1), (work, barrier, done, 2))
        """,
        broken="ends badly deadlock",
    ),
    Program(
        "barrier",
        """
        def work(barrier, done, me):
            done[me] = 1
            barrier.wait()
            assert sum(done) == 2

        def main():
            barrier, done = context.Barrier(2), context.Array("i", 2, lock=False)
            together((work, barrier, done, 0), (work, barrier, done, 1))
        """,
        slow=True,
    ),
    Program(
        "aba",
        """
        def pop(top, below, swap, taken, me):
            first = top.value
            then = below[first]
            with swap:
                if top.value == first:
                    top.value = then
            taken[me] = first

        def busy(top, below, swap):
            with swap:
                first = top.value
                top.value = below[first]
            with swap:
                second = top.value
                top.value = below[second]
            with swap:
                below[first] = top.value
                top.value = first

        def main():
            top, below = context.Value("i", 1, lock=False), context.Array("i", [0, 2, 3, 0], lock=False)
            swap, taken = context.Lock(), context.Array("i", 2, lock=False)
            together((pop, top, below, swap, taken, 0), (busy, top, below, swap))
            print(f"top = {top.value}")
        """,
        claims=("p.top = 3",),
        broken="claim fails",
    ),
    Program("notify-one", _NOTIFIED.format(notify="notify"), broken="deadlock"),
    Program("notify-all", _NOTIFIED.format(notify="notify_all"), claims=("p.count = 0",), slow=True),
    Program(
        "event-set-early",
        """
        def wait(ready, x):
            ready.wait()
            assert x.value == 1

        def tell(ready, x):
            ready.set()
            x.value = 1

        def main():
            ready, x = context.Event(), context.Value("i", 0, lock=False)
            together((wait, ready, x), (tell, ready, x))
        """,
        broken="ends badly",
    ),
    Program(
        "readers-writers",
        """
        def read(readers, counting, room, x):
            with counting:
                readers.value += 1
                if readers.value == 1:
                    room.acquire()
            first = x.value
            assert first == x.value
            with counting:
                readers.value -= 1
                if readers.value == 0:
                    room.release()

        def write(room, x):
            with room:
                x.value = 1
                x.value = 2

        def main():
            readers, x = context.Value("i", 0, lock=False), context.Value("i", 0, lock=False)
            counting, room = context.Lock(), context.Semaphore(1)
            together((read, readers, counting, room, x), (read, readers, counting, room, x), (write, room, x))
        """,
        slow=True,
    ),
    Program(
        "three-philosophers-let-go",
        """
        def eat(left, right, eaten):
            while True:
                left.acquire()
                if right.acquire(False):
                    break
                left.release()
            eaten.value += 1
            right.release()
            left.release()

        def main():
            forks = [context.Lock() for _ in range(2)]
            eaten = context.Value("i", 0)
            together((eat, forks[0], forks[1], eaten), (eat, forks[1], forks[0], eaten))
        """,
        slow=True,
    ),
    Program(
        "threads-count",
        """
        import threading

        def main():
            x = [0]
            def add():
                seen = x[0]
                x[0] = seen + 1
            people = [threading.Thread(target=add) for _ in range(2)]
            [person.start() for person in people]
            [person.join() for person in people]
            print(f"x = {x[0]}")
        """,
        claims=("p.x = 2",),
        broken="claim fails",
    ),
    Program(
        "threads-locked",
        """
        import threading

        def main():
            x, lock = [0], threading.Lock()
            def add():
                with lock:
                    seen = x[0]
                    x[0] = seen + 1
            people = [threading.Thread(target=add) for _ in range(2)]
            [person.start() for person in people]
            [person.join() for person in people]
            print(f"x = {x[0]}")
        """,
        claims=("p.x = 2",),
        slow=True,
    ),
    Program(
        "threads-notify-all",
        """
        import threading

        def main():
            count, changed = [0], threading.Condition()
            def take():
                with changed:
                    while not count[0]:
                        changed.wait()
                    count[0] -= 1
            def put():
                with changed:
                    count[0] += 2
                    changed.notify_all()
            people = [threading.Thread(target=work) for work in (take, take, put)]
            [person.start() for person in people]
            [person.join() for person in people]
            print(f"count = {count[0]}")
        """,
        claims=("p.count = 0",),
        slow=True,
    ),
    Program(
        "threads-assert",
        """
        import threading

        def main():
            lock, items = threading.Lock(), [1]
            def walk():
                with lock:
                    first = items[0] if items else None
                with lock:
                    assert first is None or first in items
            def remove():
                with lock:
                    items.clear()
            people = [threading.Thread(target=work) for work in (walk, remove)]
            [person.start() for person in people]
            [person.join() for person in people]
        """,
        broken="ends badly",
    ),
    Program(
        "never-comes",
        """
        def wait(flag):
            while not flag.value: pass

        def main():
            flag = context.Value("i", 0, lock=False)
            together((wait, flag))
        """,
        broken="all spin",
    ),
]
