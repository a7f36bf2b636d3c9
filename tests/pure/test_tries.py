"""What the code of a policy tries in its room, as it is told: each thing once, where it leads, and no more than that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sandbox.analysis.conformance.tries import MARK, read
from sandbox.model.clause import Clause, Figure

#: Attempts by name, as statements, and what is told of each. ``tmp`` is a folder that is not the interpreter's.
TRIES = [
    ("os.listdir(tmp)", "reads a file", "{tmp}"),
    ("open(tmp + '/there').close()", "reads a file", "{tmp}/there"),
    ("open(tmp + '/new', 'w').close()", "writes a file", "{tmp}/new"),
    ("os.close(os.open(tmp + '/newer', os.O_RDWR | os.O_CREAT))", "writes a file", "{tmp}/newer"),
    ("os.close(os.open((tmp + '/there').encode(), os.O_RDONLY))", "reads a file", "{tmp}/there"),
    *((f"os.{call}", "changes files", None) for call in (
        "remove(tmp + '/new')", "rename(tmp + '/newer', tmp + '/moved')", "mkdir(tmp + '/sub')", "rmdir(tmp + '/sub')",
        "chmod(tmp + '/there', 0o600)", "chown(tmp + '/there', -1, -1)", "link(tmp + '/there', tmp + '/linked')",
        "symlink('there', tmp + '/soft')", "truncate(tmp + '/there', 0)",
    )),
    *((f"shutil.{call}", "changes files", None) for call in (
        "copyfile(tmp + '/there', tmp + '/copy')", "move(tmp + '/copy', tmp + '/copied')", "rmtree(tmp + '/gone')",
    )),
    *((f"os.{call}", "starts a process", None) for call in ("system('')", "fork() or os._exit(0)", "forkpty()[0] or os._exit(0)",
        "posix_spawn('/bin/true', ['true'], {})", "execv('/nowhere', ['x'])")),
    ("subprocess.call(['/bin/true'])", "starts a process", None),
    ("pty.spawn(['/nowhere/x'])", "starts a process", None),
    *((f"{call}", "opens a socket", None) for call in ("socket.socket()", "s.bind(('127.0.0.1', 0))",
        "s.connect(('127.0.0.1', 1))", "socket.getaddrinfo('127.0.0.1', 1)")),
    *((call, "signals a process", None) for call in ("os.kill(os.getpid(), 0)", "os.killpg(os.getpgid(0), 0)",
        "signal.pthread_kill(threading.get_ident(), 0)")),
    *((call, "calls C code", None) for call in ("ctypes.CDLL(None)", "dll.getpid", "ctypes.string_at(b'x')")),
    *((call, "looks into the interpreter", None) for call in ("gc.get_objects()", "gc.get_referrers(tmp)",
        "gc.get_referents(tmp)", "sys.settrace(None)", "sys.setprofile(None)")),
    *([("_thread.start_new_thread(int, ())", "starts a thread", None)] if sys.version_info >= (3, 12) else []),
    ("print('a\\nb', flush=True)", "prints", None),
]  # fmt: skip
#: Each attempt is made in a fork of its own, as each kind is told once only.
PROGRAM = """\
import ctypes, gc, os, pty, shutil, signal, socket, subprocess, sys, threading, _thread
from sandbox.analysis.conformance.tries import watch
tmp, own = sys.argv[1], sys.argv[1] + "/own"
s, dll = socket.socket(), ctypes.CDLL(None)
for deed in sys.argv[2:]:
    pid = os.fork()
    if pid == 0:
        watch([own], os.open(os.devnull, os.O_WRONLY))
        try:
            exec(deed)
            sys.stdout.flush()
        except OSError:
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    os.write(2, b"\\n---\\n")
"""


def tried(folder: object, *deeds: str) -> list[str]:
    """What a process says that does these things, one after another."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(folder), *deeds],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "", "nothing is printed anywhere"
    return done.stderr.split("\n---\n")[: len(deeds)]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for name in ("there", "own"):
        (tmp_path / name).touch()
    (tmp_path / "gone").mkdir()
    return str(tmp_path)


def test_each_attempt_is_told_by_what_it_is(folder: str) -> None:
    said = tried(folder, *(deed for deed, _, _ in TRIES))
    for (deed, rule, path), words in zip(TRIES, said, strict=True):
        figures: dict[str, Figure] = {} if path is None else {"path": path.format(tmp=folder)[:80]}
        assert Clause(rule, {"lines": 1} if rule == "prints" else figures) in read(words), deed


def test_one_kind_at_one_place_is_told_once(folder: str) -> None:
    (said,) = tried(folder, "for _ in range(3): os.listdir(tmp), os.kill(os.getpid(), 0), os.listdir(tmp + '/gone')")
    assert said.count(MARK) == 3
    places: list[dict[str, Figure]] = [{"path": folder[:80]}, {"path": f"{folder}/gone"[:80]}]
    assert read(said) == [
        Clause("reads a file", places[0]), Clause("signals a process"), Clause("reads a file", places[1]),
    ]  # fmt: skip


def test_what_is_its_own_and_what_the_interpreter_reads_is_not_told(folder: str) -> None:
    deeds = (
        "open(own).close()",
        "import json.tool",
        "open(os.devnull).close()",
        "open(s.fileno(), closefd=False)",
        "os.listdir('/usr')",
    )
    assert tried(folder, *deeds) == [""] * len(deeds)


def test_no_more_than_twenty_are_told_and_that_there_were_more(folder: str) -> None:
    deeds = [f"open(tmp + '/{number}', 'w').close()" for number in range(30)]
    (said,) = tried(folder, "\n".join([deeds[0], *deeds, *deeds]))
    found = read(said)
    assert [clause.figures.get("path") for clause in found[:-1]] == [f"{folder}/{number}"[:80] for number in range(20)]
    assert found[-1] == Clause("tries more")
    assert said.count(MARK) == 21


def test_of_what_is_printed_the_number_of_lines_is_told_by_magnitude(folder: str) -> None:
    """With the first line, the tenth, the hundredth; several of these at once count as the last."""
    printed = {"'\\n'": [1], "'\\n' * 9": [1], "'\\n' * 10": [10], "'\\n' * 345": [100], "'x'": []}
    said = tried(folder, *(f"sys.stdout.write({text})" for text in printed), "for _ in range(12): print(flush=True)")
    assert [[clause.figures["lines"] for clause in read(words)] for words in said] == [*printed.values(), [10]]
    assert said[-1].count(MARK) == 2


def line(rule: str, **figures: object) -> str:
    return MARK + msgspec.json.encode([rule, figures]).decode()


def test_what_a_policy_may_have_written_itself_is_cleaned() -> None:
    """Only rules and figures that there are, short and harmless; of each kind and place the last, at most 21."""
    words = [
        "hello", line("prints", lines=3), MARK + "nonsense", MARK + "[1,2]", line("no such rule", path="/x"),
        line("reads a file", path="/x\x1b[31m", colour="red"), line("reads a file", path="/y" * 100),
        line("opens a socket", path=5), "x" + line("starts a thread"), line("prints", lines="many"),
    ]  # fmt: skip
    assert read("\n".join(words)) == [
        Clause("prints"),
        Clause("reads a file", {"path": "/x"}),
        Clause("reads a file", {"path": ("/y" * 100)[:79] + "…"}),
        Clause("opens a socket", {"path": "5"}),
    ]
    assert len(read("\n".join(line("reads a file", path=f"/{number}") for number in range(50)))) == 21
    assert read("") == []
