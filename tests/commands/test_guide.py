"""Every command of the guide is one, and the guide's pages can be followed from their first line to the last."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.cli import COMMANDS, _parser
from sandbox.tui.keys import ACTIONS
from tests.support.commands import CommandRunner
from tests.support.guide import PAGES, blocks, prose, text
from tests.support.run import ROOT
from tests.support.run import ossandbox as real_command
from tests.support.terminal import Terminal, terminal

#: Of others, and started where they are: what they are told of us is tried elsewhere or cannot be tried here.
FOREIGN = ("pip", "pipx", "uvx", "podman", "dask", "systemd-run", "docker")
#: What stands for something in a line of prose.
MEANT = {
    "SCENARIO": "convoy", "[SCENARIO]": "convoy", "SCENARIO…": "convoy", "NAME": "isolation", "FILE": "it",
    "FILE…": "it", "FORMAT": "svg", "SHELL": "bash", "SUBMISSION…": "rr", "POLICY": "rr", "FOLDER": "it",
}  # fmt: skip
#: These pages are walked by tests of their own, and this one needs a cluster.
WALKED = ("docs/write-a-lesson.md", "docs/write-a-policy.md")
CLUSTER = "--on"
GENERATED = "docs/reference.md"
#: These are followed here without a process.
FOLLOWED = ("README.md", "docs/experiment.md", "docs/learn.md", "docs/recordings.md", "docs/teach.md")
#: What a word of a command in prose stands for, where another one has no meaning.
STANDS_FOR = {
    ("schema", "isolation"): "run", ("plot", "it"): "it", ("check", "it"): "mine.py",
    ("grade", "TASKS.toml"): "lab/TASKS.toml", ("grade", "rr"): "mine.py", ("export", "order"): "csv",
}  # fmt: skip
NO_TERMINAL = "the app needs a terminal"
NEEDS_LINUX = "needs real processes, which are run on Linux only"


def written(page: str) -> list[str]:
    """The lines of a page's blocks."""
    return [line for block in blocks(text(page)) if block.kind == "sh" for line in block.text.splitlines()]


def lines(page: str) -> list[list[str]]:
    """The commands of a page's blocks, as words, those of a pipe one after another."""
    found = [part for line in written(page) for part in line.split(" | ")]
    return [words for part in found if (words := shlex.split(part, comments=True))]


def commands(page: str) -> list[list[str]]:
    return [words[1:] for words in lines(page) if words[0] == "ossandbox"]


def walked(page: str) -> list[list[str]]:
    """Those to be called one after another here; pipes and servers are for others."""
    piped = [part.split()[1:] for line in written(page) if " | " in line for part in line.split(" | ")]
    return [words for words in commands(page) if words[:1] != ["serve"] and CLUSTER not in words and words not in piped]


def named(page: str) -> list[list[str]]:
    """Those in its prose, with values for what stands for some."""
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(text(page))))
    whole = [shlex.split(span)[1:] for span in spans if span.startswith("ossandbox ")]
    return [[MEANT.get(word, word) for word in words] for words in whole if len(words) > 1]  # else it is only its name


def is_for_app(words: list[str]) -> bool:
    return not words or words[0] not in {*COMMANDS} - {"replay"} or (words[0] == "lesson" and not is_lesson_run(words))


def is_lesson_run(words: list[str]) -> bool:
    return words[0] == "lesson" and bool({"--plain", "--check", "--handout"} & {*words})


def is_real(words: list[str]) -> bool:
    """Whether it starts processes."""
    real_lesson = bool(words) and is_lesson_run(words) and "--recorded" not in words
    return real_lesson or words[:1] in (["run"], ["explore"]) or "--measure" in words


@pytest.mark.parametrize("page", [page for page in PAGES if page != GENERATED])
def test_every_command_is_one(page: str) -> None:
    for words in [*commands(page), *named(page)]:
        _parser(words).parse_args(words)  # else it exits


@pytest.mark.parametrize("page", PAGES)
def test_what_else_is_called_is_there(page: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    calls = [*lines(page), *(span.split() for span in re.findall(r"`((?:make|python -m) [^`]+)`", text(page)))]
    for words in calls:
        if words[0] == "make":
            assert words[1] in targets, words
        elif words[:2] == ["python", "-m"] and words[2] != "pytest":
            assert find_spec(words[2]), words
        else:
            assert words[0] in ("ossandbox", "python", *FOREIGN), words


def prepare(page: str) -> None:
    """The files that a reader of this page has written."""
    if page == "README.md":
        [scenario] = [block.text for block in blocks(text(page)) if block.kind == "toml"]
        Path("mine.toml").write_text(scenario, "utf-8")
    if page == "docs/teach.md":
        Path("submissions").mkdir()
        Path("submissions/alice.py").write_text((ROOT / "sandbox/policies/template.py").read_text("utf-8"), "utf-8")


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_can_be_followed_in_virtual_time(ossandbox: CommandRunner, page: str) -> None:
    """What would start processes, or open the app, is simulated; the app has no terminal, and says so last of all."""
    prepare(page)
    for words in walked(page):
        if words[:1] == ["grade"]:
            continue  # with the slow ones
        if is_for_app(words):
            done = ossandbox(*words)
            told = NO_TERMINAL in done.err or (NEEDS_LINUX in done.err and sys.platform != "linux")
            assert (done.status, told) == (2, True), (words, done)
            if "--record" in words:  # it is looked at later
                assert ossandbox("simulate", *words, "--quiet").status == 0, words
        else:
            done = ossandbox(*without_processes(words))
            assert done.status == 0, (words, done)


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize("page", [page for page in FOLLOWED if named(page)])
def test_what_its_prose_names_runs(ossandbox: CommandRunner, page: str) -> None:
    """On a run of the scenario convoy, under a policy of one's own where the page has one."""
    prepare(page)
    assert ossandbox("policies", "--new", "mine.py").status == 0
    for recording in ("it", "convoy.trace"):
        assert ossandbox("simulate", "convoy", "--quiet", "--record", recording).status == 0
    assert ossandbox("labs", "round-robin", "--new", "lab").status == 0
    for words in named(page):
        if is_for_app(words) or words[0] in ("serve", "explore") or "*.py" in words:
            continue  # they are tried where they are at home
        if words[0] == "grade" and sys.platform != "linux":
            continue  # nobody is isolated there
        done = ossandbox(*without_processes([STANDS_FOR.get((words[0], word), word) for word in words]))
        assert done.status == 0, (words, done)


def without_processes(words: list[str]) -> list[str]:
    """The same, or what comes nearest to it: in virtual time, from the recording, with fewer tries."""
    if is_real(words):
        return [*words, "--recorded"] if words[0] == "lesson" else ["simulate", *words[1:], "--quiet"]
    if words[0] == "sweep":
        return [*words, "--jobs", "1", *(["--policies", "rr"] if len(words) == 2 else [])]
    if words[0] == "whatif" and len(words) == 2:  # a row of the table of commands
        return [*words, "--policy", "rr"]
    return [*words, "--worlds", "5"] if words[0] == "check" and words[1].endswith(".py") else words


@pytest.mark.real
@pytest.mark.thorough
@pytest.mark.usefixtures("leftcheck", "own_folder")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in PAGES if page not in WALKED])
def test_a_page_can_be_followed(page: str) -> None:
    prepare(page)
    for words in walked(page):
        if is_for_app(words):
            with terminal(*words, folder=Path.cwd()) as run:
                opened_and_left(run, "--record" in words)
        else:
            done = real_command(*words, cwd=Path.cwd(), timeout=120)
            assert done.returncode == 0, (words, done.stdout, done.stderr)


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize("page", [page for page in PAGES if any(" | " in line for line in written(page))])
def test_its_pipes_run(page: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in written(page):
        if " | " in line:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", line],
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
                timeout=50,
            )
            assert done.returncode == 0, (line, done.stderr)


def opened_and_left(run: Terminal, keeps: bool) -> None:
    run.read_until(lambda: run.shows(KEYS) and any(map(run.shows, PHASES)), "the app is there, and what it shows")
    run.press("q")
    if keeps:
        run.read_until(lambda: run.shows("A recording is being written"), "it asks first")
        run.press("\r")
    assert run.wait() == 0


#: In the top line, once a run or a recording has begun.
PHASES = ("RUNNING", "PAUSED", "REPLAY", "FINISHED")
#: A word of the bottom line of the app.
KEYS = next(action.brief for action in ACTIONS if action.id == "quit")
