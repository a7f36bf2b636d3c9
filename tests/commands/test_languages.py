"""What commands say in another language than English: all of it, and nothing else than in English to programs."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sandbox import policies
from sandbox.cli import COMMANDS
from sandbox.i18n import LANGUAGES, use
from sandbox.model import events
from sandbox.scenario import built_in
from tests.support.commands import CommandResult, CommandRunner
from tests.support.wide_language import WideLanguage

BAD_SCENARIO = """titel = "x"
[machine]
cpus = 0
policy = "mlfg"
[[process]]
name = "a"
work = [3]
priority = []
"""
BAD_POLICY = """from sandbox.policies.base import Policy
class A(Policy):
    def pick(self, cpu, now_ns):
        return None
"""
WORD = re.compile(r"[A-Za-z][\w'-]*", re.ASCII)
#: The names of things, which are the same in every language.
NAMES = {
    "ossandbox", *COMMANDS, *LANGUAGES, *policies.names(), *(path.stem for path in built_in()),
    *(name.lower() for name in vars(events)),
    *(parameter.name for name in policies.names() for parameter in policies.find(name).declared()),
    "arrival-first", "requeue-first", "auto", "overlapped", "sequential", "freezer", "perfetto", "csv", "svg", "json", "ostep",
    "declared", "estimate", "true", "false", "False",
    # What is given on the command line, what files are made of, and units.
    "scenario", "recording", "FILE", "NAME", "LIST", "DURATION", "COMMAND", "POLICY", "N", "SCENARIO", "ADDRESS", "FIGURE",
    "line", "cdf", "heat", "box", "png", "html", "PATH", "FOLDER", "SUBMISSION", "TASKS", "text", "classroom50", "gradescope",
    "junit", "WHAT", "cast", "md", "bash", "zsh", "fish", "SHELL", "Peterson", "Dekker", "if",
    "machine", "cpus", "policy", "process", "name", "work", "priority", "titel", "title", "at", "claims", "client", "concepts",
    "lesson", "step", "whatif", "a", "A", "cpu", "io", "us", "ms", "s", "toml", "py", "jsonl", "bad", "x", "B", "p50", "p95", "nosuch",
    # What is wrong on the command line and in files, which is quoted.
    "mlfg", "rrr", "nosuch'", "ask",
    # The processes of the scenarios, and what lessons are about.
    "video", "mail", "chat", "clock", "editor", "shell", "fork", "spawn", "start", "join",
}  # fmt: skip


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands speak a language of wide letters; its lessons are the Chinese ones."""
    monkeypatch.setattr("sandbox.cli.use", lambda language: use("zh", WideLanguage()))
    yield
    use("en")


class Files(NamedTuple):
    """What the commands are given."""

    recording: str
    scenario: str
    policy: str


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ossandbox: CommandRunner) -> Files:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(BAD_SCENARIO)
    Path("bad.py").write_text(BAD_POLICY)
    assert ossandbox("simulate", "convoy", "--quiet", "--record", "x.jsonl").status == 0
    return Files("x.jsonl", "bad.toml", "bad.py")


def plain_words(done: CommandResult) -> set[str]:
    """Words that a person would read as English; options are none."""
    text = re.sub(r"(?<![\w-])--?[A-Za-z][a-z-]*|/\S+", "", done.out + done.err)
    return set(WORD.findall(text)) - NAMES


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_all_in_the_language(command: str, ossandbox: CommandRunner, wide: None) -> None:
    done = ossandbox(*filter(None, [command]), "--help")
    assert (done.status, plain_words(done)) == (0, set())


@pytest.mark.usefixtures("wide")
def test_what_commands_say_is_all_in_the_language(ossandbox: CommandRunner, files: Files) -> None:
    plain = {}
    for words in (
        "lessons", "scenarios", "policies", "policies --rules",
        "simulate convoy", "compare convoy --policies fcfs,mlfq --repeat 2", f"whatif {files.recording} --policy fcfs",
        "run", "run x --bogus", "simulate nosuch", "simulate welcome", "simulate convoy --policy rrr",
        f"simulate convoy --record {files.recording}", f"whatif {files.recording}", f"export {files.recording} --to csv -o x.toml/x",
        f"check {files.scenario}", f"check {files.policy} --worlds 9 --like rr", "check convoy",
    ):  # fmt: skip
        done = ossandbox(*words.split())
        assert done.out or done.err
        if found := plain_words(done):
            plain[words] = found
    assert plain == {}


def test_the_doctor_speaks_the_language(ossandbox: CommandRunner, wide: None) -> None:
    """Its findings quote the system, whose words are the system's."""
    quoted = [*platform.uname(), *map(os.strerror, range(1, 134)), os.environ.get("TERM", "")]
    own = {"python", "root", "perf", "idle", "poll", "psutil"}
    assert plain_words(ossandbox("doctor")) - own <= set(WORD.findall(" ".join(quoted)))


#: What programs read; {0} is a recording, {1} a scenario that is refused, {2} a policy that fails.
FOR_PROGRAMS = (
    "lessons --json", "scenarios --json", "policies --json", "doctor --json", "simulate convoy --json",
    "compare convoy --policies fcfs,rr --json", "compare convoy --policies fcfs,rr --csv",
    "whatif {0} --policy fcfs --json", "export {0} --to json", "export {0} --to csv",
    "check {1} --json", "check {2} --json --worlds 9",
)  # fmt: skip


def timeless(text: str) -> str:
    """Without what the doctor says of this moment."""
    return re.sub(r'"name": "load", "state": "\w+", "found": "[^"]*", "advice": "[^"]*"', "", text)


def test_programs_read_the_same_in_every_language(
    ossandbox: CommandRunner, files: Files, request: pytest.FixtureRequest
) -> None:
    english = [ossandbox(*words.format(*files).split()) for words in FOR_PROGRAMS]
    request.getfixturevalue("wide")
    wide = [ossandbox(*words.format(*files).split()) for words in FOR_PROGRAMS]
    assert all(done.out for done in english)
    assert [(done.status, timeless(done.out)) for done in wide] == [
        (done.status, timeless(done.out)) for done in english
    ]


def test_recordings_are_the_same_in_every_language(ossandbox: CommandRunner, tmp_path: Path) -> None:
    recordings = []
    for language in LANGUAGES:
        path = tmp_path / f"{language}.jsonl"
        command = ("simulate", "convoy", "--policy", "mlfq", "--quiet", "--record", str(path), "--lang", language)
        assert ossandbox(*command).status == 0
        recordings.append(path.read_bytes())
    assert len(set(recordings)) == 1


@pytest.mark.parametrize(
    ("environment", "words", "chinese"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, (), True),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_TW.UTF-8"}, (), True),
        ({"LC_ALL": "C.UTF-8"}, (), False),
        ({"LC_ALL": "fr_FR.UTF-8", "LANG": "zh_CN.UTF-8"}, (), False),
        ({"LC_ALL": "C.UTF-8"}, ("--lang", "zh"), True),
        ({"LC_ALL": "zh_CN.UTF-8"}, ("--lang=en",), False),
    ],
)
def test_the_option_or_else_the_locale_says_which_language(
    environment: dict[str, str],
    words: tuple[str, ...],
    chinese: bool,
    ossandbox: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = ossandbox("simulate", "nosuch", *words)
    assert done.status == 2
    assert bool(re.search("[\u4e00-\u9fff]", done.err)) == chinese
    use("en")


def test_a_language_that_there_is_not_is_refused_with_those_that_there_are(ossandbox: CommandRunner) -> None:
    done = ossandbox("lessons", "--lang", "xx")
    assert done.status == 2
    assert "argument --lang: 'xx' is not allowed; allowed: en | zh" in done.err


def test_the_table_of_a_comparison_is_straight_whatever_its_headings(ossandbox: CommandRunner, wide: None) -> None:
    from rich.cells import cell_len

    head, *rows = ossandbox("compare", "convoy", "--policies", "fcfs,rr,sjf").lines[1:5]
    assert {cell_len(row.rstrip("* ")) for row in rows} == {cell_len(head.rstrip())}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("simulate convoy --polcy rr", "simulate: error: unrecognized arguments: --polcy rr. Did you mean --policy?"),
        ("convoy --virtul", "unrecognized arguments: --virtul. Did you mean --virtual?"),
        ("export x --to htm", "argument --to: 'htm' is not allowed. Did you mean html? (allowed: perfetto | "),
        ("completion bas", "'bas' is not allowed. Did you mean bash? (allowed: bash | zsh | fish)"),
    ],
)
def test_an_unknown_option_or_choice_gets_a_suggestion(words: str, said: str, ossandbox: CommandRunner) -> None:
    done = ossandbox(*words.split())
    assert done.status == 2
    assert said in done.err
