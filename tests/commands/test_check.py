"""Whether a policy keeps the laws of scheduling: what is told of one that does not, to people and to graders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from sandbox.analysis.conformance.verdicts import LAWS
from tests.support.commands import CommandResult, CommandRunner

pytestmark = pytest.mark.usefixtures("own_folder")

HEAD = """
import random
import time
from sandbox.policies import Duration
from sandbox.policies.base import Parameter, Policy


class Mine(Policy):
    quantum = Parameter(Duration(), "50ms", "a slice")

    def slice(self, task):
        return self.quantum
"""
ENQUEUE = "    def enqueue(self, task, reason, now_ns):\n"
Check = Callable[..., CommandResult]
PICK = "    def pick(self, cpu, now_ns):\n"


@pytest.fixture
def check(ossandbox: CommandRunner) -> Check:
    """The command on fewer workloads than usual: enough for what shows at once."""
    return lambda *words: ossandbox("check", "--worlds", "60", *words)


def policy(*more: str, name: str = "mine.py") -> str:
    """A file with round robin in it, and these lines added to the class."""
    Path(name).write_text(HEAD + "\n" + "".join(more), "utf-8")
    return name


def line_of(text: str, name: str = "mine.py") -> int:
    """The number of the line that holds this."""
    return next(n for n, line in enumerate(Path(name).read_text("utf-8").splitlines(), 1) if text in line)


def verdicts(done: CommandResult) -> dict[str, str]:
    """The sign of each law."""
    return {law: line[0] for law in LAWS for line in done.lines if line[2:].startswith(law)}


def broken(done: CommandResult) -> list[str]:
    return [law for law, sign in verdicts(done).items() if sign == "✘"]


def lines_of(done: CommandResult, law: str) -> list[str]:
    """What is told of a law: its line, and those below it."""
    start = next(n for n, line in enumerate(done.lines) if line[2:].startswith(law))
    below = [n for n, line in enumerate(done.lines) if n > start and not line.startswith("    ")]
    return done.lines[start : below[0] if below else None]


def test_a_policy_that_keeps_every_law(ossandbox: CommandRunner) -> None:
    done = ossandbox("check", policy())
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == "mine.py:Mine  500 generated workloads, seed 1"
    assert done.lines[1:] == [f"✔ {law}" for law in LAWS]


def test_one_that_forgets_somebody_is_shown_the_smallest_workload(check: Check) -> None:
    done = check(policy(ENQUEUE, "        if reason != 'woke':\n            self.queue.append(task)\n"))
    assert done.status == 1
    assert "nothing lost" in broken(done)
    assert lines_of(done, "nothing lost") == [
        "✘ nothing lost    A was ready from 10 ms on and never ran again",
        "    A  io 10ms, cpu 10ms",
        "      1 A          ·····························································",
        "                   ╵0 s        ╵2 ms       ╵4 ms       ╵6 ms       ╵8 ms",
        "                                                                         10 ms ▲",
    ]


@pytest.mark.thorough
def test_one_that_leaves_a_cpu_idle(ossandbox: CommandRunner) -> None:
    lazy = PICK + "        return super().pick(cpu, now_ns) if now_ns % 20_000_000 == 0 else None\n"
    done = ossandbox("check", policy(lazy))
    assert "never idle" in broken(done)
    assert re.search(r"CPU 0 stood idle for \d+ ms while somebody was ready: A", lines_of(done, "never idle")[0])


@pytest.mark.thorough
def test_one_that_lets_somebody_starve(check: Check) -> None:
    done = check(policy(PICK, "        return self.queue.pop()\n"))
    assert broken(done) == ["no starvation"]
    assert " got no turn while others ran for 5 s" in lines_of(done, "no starvation")[0]


def test_what_a_class_declares_is_not_held_against_it(check: Check) -> None:
    done = check(policy("    starves = True\n", PICK, "        return self.queue.pop()\n"))
    assert done.status == 0
    assert lines_of(done, "no starvation") == ["● no starvation   its class says that it need not"]


@pytest.mark.thorough
def test_one_that_draws_lots_that_no_seed_decides(check: Check) -> None:
    shuffle = "        random.shuffle(self.queue)\n        return super().pick(cpu, now_ns)\n"
    done = check(policy(PICK, shuffle))
    assert broken(done) == ["deterministic"]
    assert "two runs of the same workload differ from here on" in done.out


def test_one_that_mistakes_units(check: Check) -> None:
    Path("mine.py").write_text(HEAD.replace("return self.quantum", "return 50_000  # us, or so"))
    done = check("mine.py")
    assert done.status == 1
    assert lines_of(done, "right slices")[:2] == [
        "✘ right slices    A got a slice of 50 us; slices are in ns, at least 100 us,",
        "                  None for no end",
    ]


def test_one_that_raises_is_told_its_own_file_and_line(check: Check) -> None:
    done = check(policy(PICK, "        return self.queue[len(self.queue)]  # one too far\n"))
    assert done.status == 1
    told = "\n".join(lines_of(done, "lawful values"))
    assert "pick raises IndexError: deque index out of range" in told
    assert f"mine.py, line {line_of('one too far')}, in pick" in told
    assert "return self.queue[len(self.queue)] # one too far" in told
    assert verdicts(done)["nothing lost"] == "-", "no run tells anything about the other laws"


@pytest.mark.parametrize("answer", ["42", "'A'", "True", "object()"])
def test_one_that_picks_nonsense(check: Check, answer: str) -> None:
    done = check(policy(PICK, f"        return {answer}  # nonsense\n"))
    assert done.status == 1
    assert broken(done) == ["lawful values"]
    assert f"line {line_of('def pick')}, in pick" in done.out


@pytest.mark.parametrize("answer", ["0", "-1", "True", "0.05", "'50ms'"])
def test_one_whose_slices_are_nonsense(check: Check, answer: str) -> None:
    Path("mine.py").write_text(HEAD.replace("return self.quantum", f"return {answer}"))
    done = check("mine.py")
    assert done.status == 1
    assert "lawful values" in broken(done)


@pytest.mark.thorough
def test_one_that_keeps_the_dead(check: Check) -> None:
    own = "    def start(self, now_ns):\n        self.own = []\n" + ENQUEUE + "        self.own.append(task)\n"
    done = check(policy(own, PICK, "        return self.own.pop(0) if self.own else None\n"))
    assert broken(done) == ["lawful values"]
    assert "is killed" in "\n".join(lines_of(done, "lawful values"))


@pytest.mark.parametrize("hang", ["while True: pass", "sum(range(10**15))"])
def test_one_that_hangs_does_not_hang_the_check(check: Check, hang: str) -> None:
    done = check(
        policy(
            PICK, f"        if len(self.queue) == 2:\n            {hang}\n        return super().pick(cpu, now_ns)\n"
        ),
    )
    assert done.status == 1
    told = "\n".join(lines_of(done, "lawful values"))
    assert f"mine.py, line {line_of(hang)}, in pick" in told
    assert {sign for law, sign in verdicts(done).items() if law != "lawful values"} == {"-"}


def test_one_that_ends_the_process_ends_its_own_only(check: Check) -> None:
    done = check(policy(PICK, "        import os\n        os._exit(3)\n"))
    assert done.status == 1
    assert "it ended the process that examined it" in done.out


def test_what_it_prints_disturbs_nobody(check: Check) -> None:
    done = check(policy(PICK, "        print('picking')\n        return super().pick(cpu, now_ns)\n"), "--json")
    assert done.status == 0
    assert json.loads(done.out)[0]["passed"]


# Like another policy


@pytest.mark.thorough
def test_like_another_policy(check: Check) -> None:
    done = check(policy(), "--like", "rr")
    assert done.status == 0
    assert done.lines[-1] == "✔ like rr"


def test_the_first_divergence_is_two_charts_and_a_sentence(check: Check) -> None:
    Path("mine.py").write_text(HEAD.replace("return self.quantum", "return None"))
    done = check("mine.py", "--like", "rr")
    assert done.status == 1
    assert lines_of(done, "like rr") == [
        "✘ like rr         at 10 ms mine.py:Mine runs A, and rr runs B",
        "    A  cpu 20ms",
        "    B  cpu 10ms",
        "    quantum 10 ms",
        "    mine.py:Mine",
        "      1 A          ████████████████████████████████████████▋",
        "      2 B          ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▐████████████████████",
        "                   ╵0 s                ╵10 ms              ╵20 ms",
        "                                 10 ms ▲",
        "    rr  it is the head of the ready queue",
        "      1 A          ████████████████████▍░░░░░░░░░░░░░░░░░░░▐████████████████████",
        "      2 B          ░░░░░░░░░░░░░░░░░░░░▐███████████████████▋",
        "                   ╵0 s                ╵10 ms              ╵20 ms",
        "                                 10 ms ▲",
    ]


@pytest.mark.thorough
def test_like_a_policy_with_other_parameters(check: Check) -> None:
    Path("mine.py").write_text(HEAD.replace("return self.quantum", "return 20_000_000").replace("quantum =", "other ="))
    assert check("mine.py", "--like", "rr:quantum=20ms").status == 0
    assert check("mine.py", "--like", "rr").status == 1


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mlfq:boost=1s", "priority:aging=200ms"])
def test_what_ends_starvation_does(check: Check, name: str) -> None:
    done = check(name)
    assert done.status == 0
    assert verdicts(done)["no starvation"] == "✔"
    assert verdicts(check(name.partition(":")[0]))["no starvation"] == "●"


# For graders


def test_the_report_as_json(check: Check) -> None:
    done = check(policy(PICK, "        return self.queue.pop()\n"), "--json", "--worlds", "20", "--seed", "7")
    assert done.status == 1
    [document] = json.loads(done.out)
    assert list(document) == [
        *("schema", "version", "seed"),
        *("file", "kind", "policy", "worlds", "passed", "laws"),
    ]
    assert (document["policy"], document["seed"], document["worlds"]) == ("mine.py:Mine", 7, 20)
    states = {law["law"]: law["state"] for law in document["laws"]}
    assert states == {**dict.fromkeys(LAWS, "holds"), "no starvation": "broken"}
    [law] = [law for law in document["laws"] if law["state"] == "broken"]
    assert law["rule"] == "starved"
    assert law["t_ns"] == law["figures"]["since_ns"] + 5_000_000_000
    assert len(law["workload"]["processes"]) >= 2


@pytest.mark.thorough
def test_the_report_as_junit(check: Check) -> None:
    both = HEAD + "\n    starves = True\n" + PICK + "        return self.queue.pop()\n\n\n"
    both += "class Other(Policy):\n" + PICK + "        raise ValueError('\\x00 <&> \\x1b[31m')\n"
    Path("mine.py").write_text(both)
    Path("good.toml").write_text('[[process]]\nwork = ["cpu 1ms"]\n')
    Path("bad.toml").write_text("x = 1\ny = 2\n")
    done = check("mine.py", "good.toml", "bad.toml", "--junit", "grades.xml")
    assert done.status == 2
    root = ET.parse("grades.xml").getroot()  # noqa: S314 - we wrote it
    assert root.tag == "testsuites"
    suites = {suite.get("name"): suite for suite in root}
    assert [*suites] == ["mine.py:Mine", "mine.py:Other", "good.toml", "bad.toml"]
    counts = {
        name: [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] for name, suite in suites.items()
    }
    assert counts == {
        "mine.py:Mine": ["6", "0", "0", "1"],
        "mine.py:Other": ["6", "1", "0", "5"],
        "good.toml": ["1", "0", "0", "0"],
        "bad.toml": ["1", "0", "1", "0"],
    }
    assert root.attrib == {"tests": "14", "failures": "1", "errors": "1", "skipped": "6"}
    failure = suites["mine.py:Other"].find("testcase/failure")
    assert failure is not None
    assert "ValueError: <&>" in (failure.get("message") or "")
    assert f"mine.py, line {line_of('raise ValueError')}, in pick" in (failure.text or "")
    error = suites["bad.toml"].find("testcase/error")
    assert error is not None
    assert (error.text or "").count("\n") == 1, "both problems"


def test_a_junit_file_that_cannot_be_written(check: Check) -> None:
    done = check(policy(), "--worlds", "5", "--junit", "no/such/folder.xml")
    assert done.status == 2
    assert done.err == "no/such/folder.xml: cannot be written: No such file or directory\n"


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_report(check: Check) -> None:
    forgetful = policy(
        ENQUEUE, "        if reason != 'woke' or self.quantum == 10_000_000:\n            self.queue.append(task)\n"
    )
    first, second = (check(forgetful, "--json").out for _ in range(2))
    assert first == second


@pytest.mark.thorough
def test_every_line_fits_into_80_columns(check: Check) -> None:
    done = check(policy(PICK, "        return self.queue.pop()\n"), "--like", "rr")
    for line in done.lines:
        assert cell_len(line) <= 80, line
        assert "\x1b" not in line


# What is checked


@pytest.mark.thorough
def test_a_class_of_the_file_a_name_or_all_of_them(check: Check) -> None:
    policy("\n\nclass Other(Policy):\n    pass\n\n\nclass _Helper(Policy):\n    pass\n\n\nclass NoPolicy:\n    pass\n")
    heads = [line.split("  ")[0] for line in check("mine.py", "--worlds", "5").lines if "generated" in line]
    assert heads == ["mine.py:Mine", "mine.py:Other"]
    assert check("mine.py:Other", "fcfs", "convoy", "--worlds", "5").lines[-1] == "convoy: ok"


@pytest.mark.parametrize(
    ("text", "what", "says"),
    [
        (None, "none.py", "there is no file none.py"),
        ("x = 1\n", "mine.py", "mine.py: the file of mine.py holds no policy"),
        ("class Mine: pass\n", "mine.py:Mine", "is no policy: its class must derive from"),
        ("class Mine: pass\n", "mine.py:Yours", "there is no class Yours in mine.py"),
        (
            "import nothing_of_that_name\n",
            "mine.py:Mine",
            "ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("x = 1\ndef x(:\n", "mine.py", "fails in line 2: SyntaxError"),
        ("while True: pass\n", "mine.py:Mine", "line 1"),
    ],
)
def test_a_file_that_cannot_be_used(check: Check, text: str | None, what: str, says: str) -> None:
    if text is not None:
        Path("mine.py").write_text(text)
    done = check(what)
    assert done.status == 2
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    documents = json.loads(check(what, "--json").out)
    assert [document["passed"] for document in documents] == [False]


def test_a_folder_stands_for_the_files_that_lie_in_it(ossandbox: CommandRunner) -> None:
    folder, text = Path("handed in"), '[[process]]\nname = "a"\nwork = ["cpu 1ms"]\n'
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.toml", "a\x1b[31m.toml", ".hidden.toml", "notes.md", "deeper/c.toml"):
        (folder / name).write_text(text)
    (folder / "odd.py").mkdir()
    (folder / "odd.toml").mkdir()
    waits = ["waits.py", "waits.toml"] if hasattr(os, "mkfifo") else []
    for name in waits:  # nobody writes into it
        os.mkfifo(folder / name)
    done = ossandbox("check", str(folder), "--json")
    findings = [(each["file"], each["passed"]) for each in json.loads(done.out)]
    good, bad = ["a\x1b[31m.toml", "b.toml"], ["odd.py", "odd.toml", *waits]
    assert findings == [
        *((f"handed in/{name}", True) for name in good),
        *((f"handed in/{name}", False) for name in bad),
    ]
    assert done.status == 2


def test_a_folder_without_any_such_file_is_told(ossandbox: CommandRunner) -> None:
    Path("empty").mkdir()
    done = ossandbox("check", "empty")
    assert (done.status, done.out) == (2, "")
    assert "no file in this folder is a scenario" in done.err


def test_bad_options(check: Check) -> None:
    done = check(policy(), "--like", "rrr", "--worlds", "0", "--seed", "x")
    assert done.status == 2
    assert [line.split(": ")[1] for line in done.err.splitlines()] == ["--worlds", "--seed", "--like"]


# The starting point


@pytest.mark.thorough
def test_a_starting_point_is_written_and_keeps_every_law(ossandbox: CommandRunner, check: Check) -> None:
    assert (
        ossandbox("policies", "--new", "my_idea.py").out
        == "my_idea.py: class MyIdea; try: ossandbox check my_idea.py\n"
    )
    assert "ossandbox simulate convoy --policy my_idea.py:MyIdea" in Path("my_idea.py").read_text("utf-8")
    assert check("my_idea.py", "--like", "rr").status == 0
    assert ossandbox("simulate", "convoy", "--policy", "my_idea.py:MyIdea", "--quiet").status == 0


def test_nothing_is_overwritten_unless_somebody_says_so(ossandbox: CommandRunner) -> None:
    Path("mine.py").write_text("precious")
    done = ossandbox("policies", "--new", "mine.py")
    assert done.status == 2
    assert "exists already" in done.err
    assert Path("mine.py").read_text() == "precious"
    assert ossandbox("policies", "--new", "mine.py", "--force").status == 0
    assert "class Mine(Policy)" in Path("mine.py").read_text("utf-8")


@pytest.mark.parametrize("name", ["mine", "mine.txt", "1.py", "my-idea.py", "_.py", "class x.py"])
def test_names_that_no_policy_can_have(ossandbox: CommandRunner, name: str) -> None:
    done = ossandbox("policies", "--new", name)
    assert done.status == 2
    assert "is no name for a policy's file" in done.err
    assert not Path(name).exists()


def test_a_folder_that_is_not_there(ossandbox: CommandRunner) -> None:
    assert "cannot be written" in ossandbox("policies", "--new", "nowhere/mine.py").err
