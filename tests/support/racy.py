"""Programs that are right or wrong in some order of turns, each a file with a function ``main``."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from tests.support.files import write_scenario

_HEAD = """
from multiprocessing import get_context
context = get_context("fork")

def together(*works):
    people = [context.Process(target=work[0], args=work[1:]) for work in works]
    for person in people:
        person.start()
    for person in people:
        person.join()
"""


class Program(NamedTuple):
    """``broken``: what breaks in some order; "" if nothing does. ``slow``: to go through all orders may take longer than
    a test may; ``orders``: in so many runs it is found."""

    name: str
    source: str
    claims: tuple[str, ...] = ()
    broken: str = ""
    slow: bool = False
    orders: int = 180

    def write(self, folder: Path) -> str:
        """Its scenario's file."""
        (folder / "program.py").write_text(dedent(_HEAD) + dedent(self.source))
        claims = ", ".join(f"'{claim}'" for claim in self.claims)
        text = f'claims = [{claims}]\n[machine]\nslice = "line"\n[[process]]\nname = "p"\npython = "program.py:main"\n'
        return write_scenario(folder, text, f"{self.name}.toml")


PROGRAMS = [
    Program(
        "bakery",
        """
        def enter(choosing, number, inside, me):
            other = 1 - me
            choosing[me] = 1
            number[me] = 1 + max(number)
            choosing[me] = 0
            while choosing[other]:
                pass
            while number[other] and (number[other], other) < (number[me], me):
                pass
            inside.value += 1
            assert inside.value == 1
            inside.value -= 1
            number[me] = 0

        def main():
            choosing, number = context.Array("i", 2, lock=False), context.Array("i", 2, lock=False)
            inside = context.Value("i", 0, lock=False)
            together((enter, choosing, number, inside, 0), (enter, choosing, number, inside, 1))
        """,
        slow=True,
    ),
    Program(
        "bakery-hasty",
        """
        def enter(number, inside, me):
            other = 1 - me
            most = max(number)
            number[me] = 1 + most
            while number[other] and (number[other], other) < (number[me], me):
                pass
            inside.value += 1
            assert inside.value == 1
            inside.value -= 1
            number[me] = 0

        def main():
            number, inside = context.Array("i", 2, lock=False), context.Value("i", 0, lock=False)
            together((enter, number, inside, 0), (enter, number, inside, 1))
        """,
        broken="ends badly",
    ),
    Program(
        "half-written",
        """
        def write(record):
            record[0] = 7
            record[1] = 7

        def read(record):
            first = record[0]
            second = record[1]
            assert first == second

        def main():
            record = context.Array("i", 2)
            together((write, record), (read, record))
        """,
        broken="ends badly",
    ),
    Program(
        "written-at-once",
        """
        def write(record, lock):
            with lock:
                record[0] = 7
                record[1] = 7

        def read(record, lock):
            with lock:
                first = record[0]
                second = record[1]
            assert first == second

        def main():
            record, lock = context.Array("i", 2, lock=False), context.Lock()
            together((write, record, lock), (read, record, lock))
        """,
    ),
    Program(
        "locked-too-late",
        """
        def add(x, lock):
            seen = x.value
            with lock:
                x.value = seen + 1

        def main():
            x, lock = context.Value("i", 0, lock=False), context.Lock()
            together((add, x, lock), (add, x, lock))
            print(f"x = {x.value}")
        """,
        claims=("p.x = 2",),
        broken="claim fails",
    ),
    Program(
        "looked-once",
        """
        def get(made, lock):
            if not made.value:
                with lock:
                    made.value += 1

        def main():
            made, lock = context.Value("i", 0, lock=False), context.Lock()
            together((get, made, lock), (get, made, lock))
            print(f"made = {made.value}")
        """,
        claims=("p.made = 1",),
        broken="claim fails",
    ),
    Program(
        "looked-twice",
        """
        def get(made, lock):
            if not made.value:
                with lock:
                    if not made.value:
                        made.value += 1

        def main():
            made, lock = context.Value("i", 0, lock=False), context.Lock()
            together((get, made, lock), (get, made, lock))
            print(f"made = {made.value}")
        """,
        claims=("p.made = 1",),
    ),
    Program(
        "readers-uncounted",
        """
        def read(readers, room, x):
            readers.value += 1
            if readers.value == 1:
                room.acquire()
            first = x.value
            assert first == x.value
            readers.value -= 1
            if readers.value == 0:
                room.release()

        def write(room, x):
            with room:
                x.value = 1
                x.value = 2

        def main():
            readers, x = context.Value("i", 0, lock=False), context.Value("i", 0, lock=False)
            room = context.Semaphore(1)
            together((read, readers, room, x), (read, readers, room, x), (write, room, x))
        """,
        broken="ends badly deadlock",
    ),
    Program(
        "crossed-locks",
        """
        def work(one, other):
            with one:
                with other:
                    pass

        def main():
            one, other = context.Lock(), context.Lock()
            together((work, one, other), (work, other, one))
        """,
        broken="deadlock",
    ),
    Program(
        "lost-wakeup",
        """
        def wait(ready, changed):
            if not ready.value:
                with changed:
                    changed.wait()

        def tell(ready, changed):
            ready.value = 1
            with changed:
                changed.notify_all()

        def main():
            ready, changed = context.Value("i", 0, lock=False), context.Condition()
            together((wait, ready, changed), (tell, ready, changed))
        """,
        broken="deadlock",
    ),
    Program(
        "ping-pong",
        """
        def play(mine, yours, x, adds):
            for _ in range(2):
                mine.acquire()
                x.value = x.value * 2 + adds
                yours.release()

        def main():
            ping, pong, x = context.Semaphore(1), context.Semaphore(0), context.Value("i", 0, lock=False)
            together((play, ping, pong, x, 0), (play, pong, ping, x, 1))
            print(f"x = {x.value}")
        """,
        claims=("p.x = 5",),
    ),
    Program(
        "handed-over",
        """
        def send(pipe):
            pipe.send(3)
            pipe.send(4)

        def receive(pipe, x):
            first = pipe.recv()
            x.value = first - pipe.recv()

        def main():
            here, there = context.Pipe()
            x = context.Value("i", 0, lock=False)
            together((send, here), (receive, there, x))
            print(f"x = {x.value}")
        """,
        claims=("p.x = -1",),
    ),
]
