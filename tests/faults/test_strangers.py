"""FAULTS row 50: strangers' policies are examined. Whatever is in a file, it has one result, which it cannot choose; the
other files have theirs; and nothing of it is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS
from tests.support import forbid
from tests.support.leaks import LeftCheck

pytestmark = [pytest.mark.timeout(150), pytest.mark.real, pytest.mark.patient, pytest.mark.thorough]

HEAD = """\
import os, sys, time, signal, threading
from sandbox.policies import Policy

class Mine(Policy):
    def slice(self, task):
        return 50_000_000
"""
PICK = "    def pick(self, cpu, now_ns):\n"
GOES_ON = "        return super().pick(cpu, now_ns)\n"


def pick(*lines: str) -> str:
    """A policy that does this in each of its decisions, and then decides well."""
    return HEAD + PICK + "".join(f"        {line}\n" for line in lines) + GOES_ON


def top(*lines: str) -> str:
    """A file that does this when it is loaded, and then holds a good policy."""
    return "import os, sys, time, signal, threading\n" + "".join(f"{line}\n" for line in lines) + HEAD


OPEN = """\
def _open(fd):
    try: os.fstat(fd)
    except OSError: return False
    return True

class Mine"""

#: In each of these a good verdict would be a lie: the policy does not answer, or answers what is no answer.
BAD = {
    "exit in pick": pick("os._exit(0)"),
    "exit in a later pick": pick("if now_ns > 40_000_000: os._exit(0)"),
    "system exit": pick("sys.exit(0)"),
    "exit when it is loaded": top("os._exit(0)"),
    "system exit when it is loaded": top("sys.exit(0)"),
    "killed by itself": pick("os.kill(os.getpid(), signal.SIGKILL)"),
    "stopped by itself": pick("os.kill(os.getpid(), signal.SIGSTOP)"),
    "writes where its answers go": pick("[os.write(fd, b'{}\\n' * 99) for fd in range(3, 20) if _open(fd)]").replace(
        "class Mine", OPEN
    ),
    "endless answers": pick("[os.write(fd, b'9' * 9_999_999) for fd in (3, 4, 5, 6)]"),
    "closes everything": pick("os.closerange(0, 99)"),
    "recursion": pick("self.pick(cpu, now_ns)"),
    "deep recursion in C": pick(
        "sys.setrecursionlimit(10**9)", "d = ()\n        for _ in range(10**6): d = (d,)", "hash(d)"
    ),
    "a loop": pick("while True: pass"),
    "a loop in C": pick("sum(range(10**15))"),
    "a loop in C when it is loaded": top("sum(range(10**15))"),
    "a loop that swallows everything": pick(
        "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
    ),
    "sleeps": pick("time.sleep(999)"),
    "sleeps without signals": pick("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))", "time.sleep(999)"),
    "20 GB": pick("self.it = bytearray(20 << 30)"),
    "20 GB bit by bit": pick("self.it = getattr(self, 'it', [])", "while True: self.it.append(bytearray(1 << 20))"),
    "an exception that ends the process": HEAD
    + "    class E(BaseException):\n        def __str__(self): os._exit(0)\n"
    + PICK
    + "        raise self.E()\n",
    "an exception that loops": HEAD
    + "    class E(Exception):\n        def __str__(self):\n            while True: pass\n"
    + PICK
    + "        raise self.E()\n",
    "an exception whose end loops": HEAD
    + "    class E(Exception):\n        def __del__(self):\n            while True: pass\n"
    + PICK
    + "        raise self.E()\n",
    "writes the kernel's figures": pick("[setattr(task, 'cpu_ns', 0) for task in self.queue]"),
    "a collector's hook that exits": pick("import gc", "gc.callbacks.append(lambda *_: os._exit(0))", "gc.collect()"),
    "a trace that raises": pick("def trace(*_): raise ValueError", "sys.settrace(trace)"),
    "puts nothing over its pipes": pick("[os.dup2(os.open(os.devnull, 1), fd) for fd in range(3, 9)]"),
    "half an answer": pick("[os.write(fd, b'{') for fd in range(3, 9) if _open(fd)]").replace("class Mine", OPEN),
    "says that there is no room": pick("os.write(2, b'\\x02no fences\\n')", "os._exit(1)"),
    "a forged stack": pick(
        "head, tail = b'(most recent call first):\\n  File \"/\\\\xzz\", line ', b' in x\\n'",
        "os.write(2, head + b'9' * 5_000 + tail)",
        "os._exit(1)",
    ),
    "no builtins": top("import builtins", "vars(builtins).clear()"),
    "an import that exits": top("import builtins", "builtins.__import__ = lambda *_, **more: os._exit(0)"),
    "writes that write nothing": top("os.write = lambda fd, data: len(data)"),
    "a weak reference's end": pick("import weakref", "self.it = weakref.ref(type('A', (), {}), lambda _: os._exit(0))"),
    "a class that exits when it is named": top(
        "from sandbox.policies import Policy",
        "class Kind(type(Policy)):",
        "    @property",
        "    def name(cls): os._exit(0)",
        "class Other(Policy, metaclass=Kind): pass",
    ),
    "an attribute that exits": HEAD + "    def __getattribute__(self, name): os._exit(0)\n",
    "a generator": HEAD + PICK + "        yield super().pick(cpu, now_ns)\n",
    "NaN": HEAD.replace("50_000_000", "float('nan')"),
    "a number of its own": HEAD.replace("50_000_000", "type('N', (int,), {'__le__': lambda *_: os._exit(0)})(5)"),
    "half a character": pick("raise ValueError('\\ud800')"),
    "a chain of exceptions": pick(
        "e = None", "for _ in range(50_000): e, e.__cause__ = ValueError(), e", "raise e"
    ).replace("e, e.__cause__ = ValueError(), e", "f = ValueError(); f.__cause__ = e; e = f"),
    "a segmentation fault": pick("import ctypes", "ctypes.string_at(0)"),
    "an end by the system": pick("import ctypes", "ctypes.CDLL(None)._exit(0)"),
    "a thread that ends all": top(
        "threading.Thread(target=lambda: time.sleep(0.2) or os._exit(0)).start()", "time.sleep(1)"
    ),
    "edits what is taken down": pick(
        "frame = sys._getframe()",
        "while frame:",
        "    if isinstance(frame.f_locals.get('log'), list): frame.f_locals['log'].clear()",
        "    frame = frame.f_back",
    ),
    "one class too many": HEAD + "".join(f"class Other{number}(Mine): pass\n" for number in range(50)),
}
#: These decide well, and do what must not matter.
GOOD = {
    "plain": HEAD,
    "a thread that never ends": top(
        "threading.Thread(target=time.sleep, args=(9**9,)).start() if 'it' not in vars(os) else None", "os.it = 1"
    ),
    "atexit": top("import atexit", "atexit.register(time.sleep, 9**9)"),
    "an end that loops": HEAD + "    def __del__(self):\n        while True: pass\n",
    "prints": pick("print('✔ all', flush=True)", "sys.stderr.write('x' * 9999)"),
    "opens a file and forgets it": pick("self.file = open('/tmp/log', 'a')", "self.me = self"),
    "a large table": HEAD.replace(
        "\n    def slice", "\n    def start(self, now_ns): self.it = bytearray(8 << 20)\n    def slice"
    ),
    "a file that takes a while": HEAD + "it = sum(range(10**6))\n",
    "reads standard input": pick("sys.stdin.read()"),
    "raises its limits": pick(
        "import resource",
        "for kind in range(16):",
        "    try: resource.setrlimit(kind, (resource.RLIM_INFINITY,) * 2)",
        "    except (OSError, ValueError): pass",
    ),
    "empties what it has said": pick("os.ftruncate(2, 0)"),
    "braces": HEAD + "    def why(self, task):\n        return '{0} {name} %s'\n",
}
#: These do harm to others, if they can. Whether they decide well is another matter.
HARM = {
    "forks": pick("try: os.fork()", "except OSError: pass"),
    "fork bomb": pick("while True:", "    try: os.fork()", "    except OSError: break"),
    "fork bomb when it is loaded": top("while True:", "    try: os.fork()", "    except OSError: time.sleep(0.1)"),
    "daemon": pick(
        "if not os.fork():", "    os.setsid()", "    if os.fork(): os._exit(0)", "    while True: time.sleep(1)"
    ),
    "kills its parents": pick(
        "for os_pid in (os.getppid(), 1, -1):", "    try: os.kill(os_pid, 9)", "    except OSError: pass"
    ),
    "stops its parents": pick(
        "for os_pid in (os.getppid(), 1):", "    try: os.kill(os_pid, 19)", "    except OSError: pass"
    ),
    "forgets to die": pick("import ctypes", "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)", "os.fork()"),
    "has others signalled": pick(
        "import fcntl",
        "read, write = os.pipe()",
        "try:",
        "    fcntl.fcntl(read, fcntl.F_SETOWN, os.getppid())",
        "    fcntl.fcntl(read, 10, 9)",  # F_SETSIG
        "    fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC)",
        "    os.write(write, b'x')",
        "except OSError: pass",
        "os.close(read), os.close(write)",
    ),
    "leaves memory in the system": pick(
        "import ctypes", "libc = ctypes.CDLL(None)", "libc.shmget(0, 1 << 20, 0o1600), libc.semget(0, 1, 0o1600)"
    ),
    "fills the disk": pick(
        "try:", "    with open('big', 'ab') as file: file.write(b'x' * 10**8)", "except OSError: pass"
    ),
    "changes files": pick(
        "name = os.path.join(os.path.dirname(__file__), 'after.py')",
        "for change in (",
        "    lambda: os.truncate(name, 0), lambda: os.chmod(name, 0o777), lambda: os.utime(name, (0, 0)),",
        "    lambda: os.setxattr(name, 'user.it', b''), lambda: os.rename(name, name + '2'), lambda: os.remove(name),",
        "    lambda: open(name, 'a'), lambda: os.open(name, os.O_RDWR), lambda: os.link(name, name + '3'),",
        "    lambda: os.mkdir(name + '4'), lambda: os.symlink(name, name + '5'), lambda: os.mkfifo(name + '6'),",
        "):",
        "    try: change()",
        "    except OSError: pass",
    ),
}


def of_file(path: Path) -> tuple[int, int, int, list[str]]:
    """What nobody who is examined may change about it."""
    stat = path.lstat()
    return stat.st_size, stat.st_mode, stat.st_mtime_ns, os.listxattr(path, follow_symlinks=False)


class Checked:
    """What ``check`` said of some files. It has a time limit of its own."""

    def __init__(
        self, folder: Path, files: dict[str, str], *more: str, patience_s: float = 110, before: Sequence[str] = ()
    ) -> None:
        for name, text in files.items():
            (folder / f"{name.replace(' ', '_')}.py").write_text(text)
        self.names = [f"{name.replace(' ', '_')}.py" for name in files]
        command = [
            *before,
            sys.executable,
            "-m",
            "sandbox",
            "check",
            "--worlds",
            "20",
            "--json",
            "--junit",
            "junit.xml",
            *more,
        ]
        self.names += [word for word in more if word.endswith(".py")]
        command = [word for word in command if word not in self.names]
        untouched = [of_file(folder / name) for name in self.names]
        done = subprocess.run([*command, *self.names], cwd=folder, capture_output=True, timeout=patience_s, check=False)
        assert [of_file(folder / name) for name in self.names] == untouched
        self.status, self.err = done.returncode, done.stderr.decode()
        documents: list[dict[str, Any]] = json.loads(done.stdout)
        self.by_file = {document["file"]: document for document in documents}
        root = ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - we wrote it
        assert [document["file"] for document in documents] == self.names, "one result each"
        suites = {suite.get("name", "").partition(":")[0]: suite for suite in root}
        assert [*suites] == self.names
        for name, suite in suites.items():
            wrong = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            assert (wrong == 0) is self.by_file[name]["passed"], name


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """All of them in one go, as a teacher would, an honest one after every few; nothing of it is left."""
    files = {"plain 0": HEAD}
    for number, (name, text) in enumerate({**BAD, **GOOD}.items(), 1):
        files[name] = text
        if number % 6 == 0:
            files[f"plain {number}"] = HEAD
    check = LeftCheck(f"ossandbox-test-{uuid.uuid4().hex}")
    os.environ[check.VARIABLE] = check.marker
    try:
        yield Checked(tmp_path_factory.mktemp("strangers"), files, patience_s=300)
        check.assert_nothing_left()
    finally:
        os.environ.pop(check.VARIABLE, None)
        check.end_leftovers()


def file_of(name: str) -> str:
    return f"{name.replace(' ', '_')}.py"


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", BAD)
def test_f50_it_is_not_taken_for_a_good_one(examined: Checked, name: str) -> None:
    document = examined.by_file[file_of(name)]
    assert not document["passed"]
    assert examined.status == 2
    if "laws" in document:
        assert {law["law"]: law["state"] for law in document["laws"]}[LAWFUL] == "broken"


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", [*GOOD, "plain 0", "plain 6", "plain 12", "plain 18", "plain 24"])
def test_f50_it_is_not_taken_for_a_bad_one(examined: Checked, name: str) -> None:
    document = examined.by_file[file_of(name)]
    assert {law["state"] for law in document["laws"]} == {"holds"}, document


def kept_by_the_system() -> list[str]:
    """Memory and semaphores of System V, which stay when their maker has gone."""
    return [line for kind in ("shm", "sem", "msg") for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()]


@pytest.mark.parametrize("name", HARM)
def test_f50_it_does_no_harm(leftcheck: LeftCheck, tmp_path: Path, name: str) -> None:
    before = len(kept_by_the_system())
    checked = Checked(tmp_path, {"before": HEAD, name: HARM[name], "after": HEAD}, "--limit", "20s", patience_s=110)
    one, _, other = checked.by_file.values()
    assert (one["passed"], other["passed"]) == (True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*checked.names, "junit.xml"])
    assert len(kept_by_the_system()) == before


def test_f50_a_slow_one_is_given_up_in_time(leftcheck: LeftCheck, tmp_path: Path) -> None:
    checked = Checked(tmp_path, {"slow": pick("time.sleep(0.2)"), "plain": HEAD}, "--limit", "12s")
    slow, plain = checked.by_file.values()
    states = {law["law"]: law["state"] for law in slow["laws"]}
    assert states == {**dict.fromkeys(LAWS, "unjudged"), LAWFUL: "broken"}
    assert slow["laws"][0]["rule"] == "over the limit"
    assert plain["passed"]


ODD = {
    "empty": "",
    "nul": "\x00",
    "brackets": "(" * 5_000,
    "minus": "-" * 50_000 + "1",
    "large": "x = 1\n" * 300_000,
    "no policy": "class Mine: pass\n",
    "not python": "%PDF-1.4",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_f50_a_file_of_any_content_has_a_result(leftcheck: LeftCheck, tmp_path: Path, text: str) -> None:
    checked = Checked(tmp_path, {"odd": text, "plain": HEAD})
    odd, plain = checked.by_file.values()
    assert (odd["passed"], plain["passed"]) == (False, True)


def test_f50_what_it_forges_is_only_another_policy(leftcheck: LeftCheck, tmp_path: Path) -> None:
    """It answers in the place of our code, and has all the time to do so: still it is judged by what happens."""
    forged = top(
        "import msgspec, sandbox.analysis.conformance.resident as it",
        "def lie(question):",
        "    log = msgspec.Raw(b'[0,{},null,0,1,[\"head of the ready queue\",{}],null,null,0,2,null]')",
        "    return it.Decided(question.nonce, log, log)",
        "sys.modules['__main__']._decided = it._decided = lie",
        "for module in [*sys.modules.values()]:",
        "    if 'verdicts' in getattr(module, '__name__', ''):",
        "        module.Verdict = module.Violation = lambda *a, **k: None",
    )
    (document,) = Checked(tmp_path, {"forged": forged}).by_file.values()
    assert not document["passed"]


EX = """\
import atexit, os, threading, time
from sandbox.policies import Policy

class Exits(Policy):
    def pick(self, cpu, now_ns):
        os._exit(0)

class Stays(Policy):
    def start(self, now_ns):
        threading.Thread(target=time.sleep, args=(9**9,)).start()
        atexit.register(time.sleep, 9**9)

    def __del__(self):
        while True:
            pass

class Endless(Policy):
    class Error(Exception):
        def __str__(self):
            while True:
                pass

    def pick(self, cpu, now_ns):
        raise self.Error
"""


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "convoy", "--policy"],
        ["compare", "convoy", "--policies"],
        ["run", "convoy", "--for", "200ms", "--policy"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    ("kind", "status", "says"), [("Exits", 1, ""), ("Stays", 0, ""), ("Endless", None, "does not come back")]
)
def test_f59_a_command_ends_when_it_has_said_all(
    leftcheck: LeftCheck, tmp_path: Path, words: list[str], kind: str, status: int | None, says: str
) -> None:
    (tmp_path / "mine.py").write_text(EX)
    command = [sys.executable, "-m", "sandbox", *words, f"mine.py:{kind}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=50, check=False, text=True)
    assert done.returncode == (status if status is not None else done.returncode)
    assert done.returncode in (0, 1)
    assert says in done.stdout + done.stderr
    assert done.returncode == 0 or done.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("fork bomb", "kills its parents", "fills the disk", "daemon"),
        *("has others signalled", "leaves memory in the system", "changes files"),
    ],
)
@pytest.mark.parametrize("landlock", [True, False], ids=["landlock", "neither"])
@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="only root can give up namespaces here")
def test_f50_without_namespaces_it_does_no_harm_either(
    leftcheck: LeftCheck, tmp_path: Path, name: str, landlock: bool
) -> None:
    before = len(kept_by_the_system())
    without = ["setpriv", "--bounding-set", "-sys_admin"]
    if not landlock:
        if not forbid.CAN:
            pytest.skip("calls cannot be forbidden here")
        without += [sys.executable, forbid.__file__, "landlock_create_ruleset"]
    checked = Checked(tmp_path, {"before": HEAD, name: HARM[name], "after": HEAD}, "--limit", "20s", before=without)
    one, _, other = checked.by_file.values()
    assert (one["passed"], other["passed"]) == (True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*checked.names, "junit.xml"])
    assert len(kept_by_the_system()) == before


@pytest.mark.parametrize("without", [[], ["setpriv", "--bounding-set", "-sys_admin"]], ids=["namespaces", "none"])
@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="only root can give up namespaces here")
def test_f50_it_sees_no_file_but_its_own(leftcheck: LeftCheck, tmp_path: Path, without: list[str]) -> None:
    (tmp_path / "secret").write_text("")
    text = pick("if os.path.exists(os.path.dirname(__file__) + '/secret') and _read(): raise ValueError").replace(
        "class Mine",
        "def _read():\n    try: open(os.path.dirname(__file__) + '/secret').close()\n    except OSError: return False\n"
        "    return True\n\nclass Mine",
    )
    (document,) = Checked(tmp_path, {"curious": text}, before=without).by_file.values()
    assert document["passed"], document


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_f50_what_is_no_plain_file_is_refused_at_once(leftcheck: LeftCheck, tmp_path: Path, make: Any) -> None:
    make(tmp_path / "odd.py")
    checked = Checked(tmp_path, {"plain": HEAD}, "odd.py", patience_s=20)
    assert checked.by_file["plain.py"]["passed"]
    assert checked.by_file["odd.py"]["problems"][0]["rule"] == "not a plain file"


def test_f50_no_line_of_another_file_gets_into_its_report(leftcheck: LeftCheck, tmp_path: Path) -> None:
    """Its last words may say what they like, and its author reads what is made of them."""
    (tmp_path / "secret").write_text("the solution\n")
    words = f'(most recent call first):\\n  File "{tmp_path}/secret", line 1 in pick\\n'
    checked = Checked(tmp_path, {"curious": pick(f"os.write(2, b'{words}')", "os._exit(1)")})
    assert not checked.by_file["curious.py"]["passed"]
    assert "the solution" not in json.dumps(checked.by_file) + (tmp_path / "junit.xml").read_text()
