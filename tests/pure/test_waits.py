"""Who waits for whom: on the board, in words, in claims; what programs note of their locks; what /proc says of them."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from sandbox import wording
from sandbox.machines.linux.blocking.said import SaidLocks
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs_shared import FileLock, file_locks, shared_mappings
from sandbox.model.claims import Happening, parse_happening
from sandbox.model.events import (
    Admitted,
    Blocked,
    Booted,
    Clause,
    Deadlocked,
    Descheduled,
    Dispatched,
    Edge,
    Event,
    Ready,
    Resolved,
    Waits,
    decode,
    encode,
)
from sandbox.model.spec import ProcessSpec
from sandbox.programs import function
from sandbox.views.board import Board
from sandbox.views.tracker import LessonTracker

RING = Deadlocked(90, [1, 2], [1, 2], [Edge(1, 2, "fork"), Edge(2, 1, "noodles")])


def told() -> list[Event]:
    """Two processes block, each on what the other one has."""
    events: list[Event] = [Booted(0, "linux", 1, "rr", {}, "arrival-first", "test")]
    for pid, name in ((1, "ann"), (2, "bob")):
        start = 10 * pid
        events += [
            Admitted(start, pid, name, name),
            Ready(start, pid, "admitted"),
            Dispatched(start + 1, pid, 0, None, Clause("head of the ready queue")),
            Descheduled(start + 2, pid, 0, 1, "blocked"),
            Blocked(start + 2, pid, Clause("lock or semaphore")),
        ]
    return [*events, Waits(80, 1, "fork", [2], "said"), Waits(80, 2, "noodles", [1], "said"), RING]


def test_the_board_knows_for_whom_each_waits_until_it_goes_on() -> None:
    board = Board()
    for event in told():
        board.apply(decode(encode(event)))
    names = {1: "ann", 2: "bob"}
    row = board.rows[1]
    assert row.on is not None
    assert row.waits_for is not None
    assert wording.held(row.on, row.waits_for, names) == "fork ← 2 bob"
    assert board.deadlock == RING
    explained = wording.why(board.recent, names, "rr", idle=True)
    assert explained is not None
    assert explained[1].startswith("deadlock: ann waits for bob: fork, bob waits for ann: noodles; none of them")
    board.apply(Resolved(99, [1, 2]))
    board.apply(Ready(100, 1, "woke"))
    assert board.deadlock is None
    assert row.waits_for is None


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Waits(0, 1, "fork", [2], "said"), "ann waits for bob: fork"),
        (Waits(0, 1, "log", [2, 3], "seen"), "ann waits for all of bob, 3: log"),
        (Waits(0, 1, "pipe:[7]", [2, 3], "seen", any=True), "ann waits for one of bob, 3: pipe:[7]"),
        (Waits(0, 1, "end of bob", [2], "seen"), "ann waits for bob: the end of bob"),
        (Waits(0, 1, "semaphore 7f", [], "unknown", any=True), "ann waits for semaphore 7f; who has it the system does not tell"),
        (Waits(0, 1, "fork", [], "said"), "ann waits for ever for fork: whoever had it has ended"),
        (Waits(0, 1, "pipe:[7]", [1], "seen"), "ann waits for a thing that only itself could give it: pipe:[7]"),
        (msgspec.structs.replace(RING, may_end=True), "perhaps a deadlock, unless a time-out or another process ends it: ann waits for bob: fork, bob waits for ann: noodles"),
        (Resolved(0, [1, 2]), "the deadlock of ann, bob is over"),
    ],
)  # fmt: skip
def test_it_is_told_in_words(event: Event, said: str) -> None:
    assert wording.sentence(event, {1: "ann", 2: "bob"}) == said


def test_a_deadlock_can_be_claimed() -> None:
    both, one, other = map(parse_happening, ("ann, bob deadlock", "bob deadlock", "ann, eve deadlock"))
    assert both == Happening("ann, bob", "deadlock")
    assert str(both) == "ann, bob deadlock"
    tracker = LessonTracker([both, one, other])
    for event in told():
        tracker.add(event)
    assert [tracker.times[each].number for each in (both, one, other)] == [1, 1, 0]


PROGRAM = """
from multiprocessing import get_context
context = get_context("fork")
class Table: pass

def main():
    noodles, fork = context.Lock(), context.RLock()
    chairs = [context.Lock() for _ in range(2)]
    table = Table()
    table.gate: object = context.Semaphore(0)
    queue = context.Queue()
    drawer = {
        "knife": context.Lock(),
    }
    print(context.Lock() is None)
"""


def test_locks_are_noted_by_the_names_that_the_code_gives_them(tmp_path: Path) -> None:
    said, noted = noted_by(tmp_path, PROGRAM)
    assert said == "False\n"
    names = [name for kind, name in noted if kind not in "tnp"]
    assert list(dict.fromkeys(names)) == [
        "noodles",
        "fork",
        "chairs[0]",
        "chairs[1]",
        "gate",
        "queue",
        "drawer",
        "table.py:15",
    ]


def noted_by(folder: Path, program: str) -> tuple[str, list[tuple[str, str]]]:
    """What a program writes, and what it notes, after it has run as it would have without that."""
    (folder / "table.py").write_text(program)
    notes = folder / "notes"
    notes.touch()
    words = ("table", str(int(signal.SIGCONT)), "table.py", "main", "[]", str(notes))
    call = [sys.executable, function.__file__, *words]
    done = subprocess.run(call, check=False, cwd=folder, capture_output=True, text=True)
    alone = subprocess.run(
        [sys.executable, "-c", "import table; table.main()"], check=False, cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, "")
    lines = [line.split(None, 2) for line in notes.read_text().splitlines()]
    return done.stdout, [
        (words[1][0], words[2].partition(" ")[2] if words[1][0] not in "tnp" else words[2]) for words in lines
    ]


THREADS = """
import _thread, contextlib, copy, pickle, queue, threading, time, weakref
from threading import Lock
class Account:
    def __init__(self): self.lock = threading.Lock()
accounts = [Account() for _ in range(2)]
forks = [Lock() for _ in range(3)]
spoons = []
again, gate, jobs = threading.RLock(), threading.Event(), queue.Queue(1)
for _ in range(2): spoons.append(Lock())

def wait_for(thing):
    with thing:
        print("has it", isinstance(thing, type(threading.Lock())))

def attempt(call):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__, error)

def main():
    lock, other = threading.Lock(), _thread.allocate_lock()
    print(lock.__class__, type(lock), isinstance(other, type(lock)), isinstance(lock, type(other)), type(again))
    print(*(repr(each).partition(" at ")[0] for each in (lock, again, threading.Condition(lock))))
    for call in (
        lambda: pickle.dumps(lock), lambda: copy.copy(again), lock.release, again.release, lambda: lock.acquire(False, 1),
        lambda: lock.acquire(timeout=-2), lambda: lock.acquire(1, 2, 3), lambda: lock.acquire(blocking=False),
        lambda: lock.acquire(timeout=0.01), lambda: lock.acquire(False), weakref.ref(lock), lock.locked,
    ):
        attempt(lambda: str(call()).partition(" at ")[0])
    lock.release()
    with contextlib.ExitStack() as stack:
        print(stack.enter_context(lock), lock.locked())
    with again, again:
        print(again._is_owned(), again.acquire(False), again.release())
    for thing in (accounts[1].lock, forks[2], spoons[1], again):
        thing.acquire()
        thread = threading.Thread(target=wait_for, args=(thing,))
        thread.start()
        time.sleep(0.05)
        thing.release()
        thread.join()
    for wait, end in ((gate.wait, gate.set), (jobs.get, lambda: jobs.put(1))):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        end()
        thread.join()
"""


def test_locks_of_threads_are_what_they_were_and_their_names_are_noted(tmp_path: Path) -> None:
    _, noted = noted_by(tmp_path, THREADS)
    names = [name[1:] for kind, name in noted if kind == "n" and name[0] in "LA"]
    assert [*dict.fromkeys(names)] == ["lock", "accounts[1].lock", "forks[2]", "spoons[1]", "again", "gate", "jobs"]


def test_what_makes_locks_is_what_it_was(tmp_path: Path) -> None:
    program = """
    import _thread, copy, pickle, threading, types
    class Maker:
        lock, bare = threading.Lock, _thread.allocate_lock
    def main():
        for make in (threading.Lock, _thread.allocate_lock, _thread.allocate):
            print(repr(make).partition(" at ")[0], make.__name__, make.__qualname__, make.__module__, make.__doc__)
            print(isinstance(make, types.BuiltinFunctionType), isinstance(make, type), callable(make))
            print(pickle.loads(pickle.dumps(make)) is make, copy.deepcopy(make) is make)
            try: make(1)
            except TypeError as error: print(error)
        print(threading.Lock is _thread.allocate_lock, Maker().lock().locked(), Maker().bare().acquire())
        lock = _thread.allocate_lock()
        with lock: _thread.start_new_thread(lambda: lock.acquire(), ())
    """
    noted_by(tmp_path, textwrap.dedent(program))


WHOLE = """
import sys
from multiprocessing import get_context
noodles = get_context("fork").Lock()
print(sys.argv, __name__, *sorted(globals()), __loader__.name, __builtins__.__name__)
if sys.argv[1] == "fails":
    1 / 0
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("word", ["3", "fails"])
def test_a_whole_file_finds_what_it_would_find_alone(tmp_path: Path, word: str) -> None:
    (tmp_path / "table.py").write_text(WHOLE)
    notes = tmp_path / "notes"
    notes.touch()
    noted = [function.__file__, "table", "0", "table.py", "", repr([word]), str(notes)]
    inside, outside = (
        subprocess.run([sys.executable, *call], check=False, cwd=tmp_path, capture_output=True, text=True)
        for call in (noted, ["table.py", word])
    )
    assert (inside.returncode, inside.stdout, inside.stderr) == (outside.returncode, outside.stdout, outside.stderr)
    assert "noodles" in notes.read_text()


def test_who_has_a_lock_is_read_from_its_object() -> None:
    lock = multiprocessing.get_context("fork").Lock()
    inner = lock._semlock  # type: ignore[attr-defined]
    child = Child(os.getpid(), ProcessSpec("us"), forked=False)
    said = SaidLocks()
    threads = frozenset({(child.os_pid, child.os_pid)})
    try:
        with open(said.path, "ab") as notes:
            notes.write(b"nonsense\n\xff 1\n" + f"{child.os_pid} {id(inner):x} 0 noodles\n".encode())

        def ask() -> object:
            return said([(child, inner.handle)], lambda _: threads)

        assert ask() == ("noodles", [], True, "")
        with lock:
            assert ask() == ("noodles", [threads], True, "")
        assert ask() == ("noodles", [], True, "")
        assert said([(child, inner.handle + 8)], lambda _: threads) is None
    finally:
        said.close()
        child.close()


def test_shared_memory_and_locks_on_files_are_found(tmp_path: Path) -> None:
    import fcntl
    import mmap

    with mmap.mmap(-1, 4_096) as shared, open(tmp_path / "file", "w") as file:
        at = ctypes.addressof(ctypes.c_char.from_buffer(shared))
        assert [each for each in shared_mappings(os.getpid()) if each.begin <= at < each.end]
        fcntl.flock(file, fcntl.LOCK_EX)
        [lock] = file_locks(os.getpid(), file.fileno())
    assert (lock.kind, lock.writes, lock.by) == ("FLOCK", True, os.getpid())


def test_which_locks_are_in_the_way() -> None:
    lock = FileLock("POSIX", False, 1, "fe:00:7", 10, 20)
    assert lock.hinders("POSIX", True, 15, 30)
    assert lock.hinders("OFDLCK", True, 0, 11)
    assert not lock.hinders("POSIX", False, 15, 30)  # both only read
    assert not lock.hinders("POSIX", True, 20, 30)  # beside it
    assert not lock.hinders("FLOCK", True, 15, 30)  # of another kind
