"""Words leave by one exit, which harms no terminal and lacks no character."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

import sandbox
from sandbox.cli import main
from sandbox.render.output import DEGRADE, data, likeness, say, say_aside
from sandbox.util.timeout import ALARM

ROOT = Path(sandbox.__file__).parent
#: These are, or become, processes on the board: what they print is on their own consoles.
CHILDREN = ("programs/", "machines/linux/process/child_main.py", "machines/life.py", "machines/posix/births.py")
#: Processes of ours whose last words somebody reads and prints.
SERVANTS = (
    "link/server.py",
    "analysis/conformance/resident.py",
    "analysis/conformance/tries.py",
    "machines/linux/room.py",
)
EXITS = ("render/output.py", "util/output.py")
#: What may be asked of a stream elsewhere, without a word to it.
ASKED = {"isatty", "flush", "fileno", "encoding"}
ENCODINGS = ["gbk", "latin-1", "ascii", "cp1252", "utf-8"]


def other_exits(tree: ast.AST) -> Iterator[int]:
    """The lines where something else is printed, or a stream is handed on."""
    asked = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ASKED}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("print")):
                yield node.lineno
            case ast.Attribute(ast.Name("sys"), "stdout" | "stderr" | "__stdout__" | "__stderr__"):
                if id(node) not in asked:
                    yield node.lineno


def test_there_is_no_other_exit() -> None:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith((*EXITS, *CHILDREN, *SERVANTS)):
            found += [f"{name}:{line}" for line in other_exits(ast.parse(path.read_text("utf-8")))]
    assert not found


def test_the_search_finds_them() -> None:
    source = "print(1)\nsys.stdout.write('x')\nwriter(sys.stderr)\nsys.stdout.flush()\nsys.stderr.buffer"
    assert sorted(other_exits(ast.parse(source))) == [1, 2, 3, 5]


def said_in_sources() -> set[str]:
    texts = [path.read_text("utf-8") for path in ROOT.rglob("*.py")]
    return {character for text in texts for character in text if not character.isascii()}


def test_each_sign_has_a_likeness_of_its_width() -> None:
    for character in said_in_sources():
        like = likeness(character)
        assert like.isascii(), character
        assert len(like) == cell_len(character), character
        if cell_len(character) == 1:
            assert like != "?" or character in "²σ", character


@pytest.mark.parametrize(
    ("character", "like"), [("é", "e"), ("中", "??"), ("\udcff", "?"), ("→", ">"), ("█", "#"), ("：", ": ")]
)
def test_a_likeness(character: str, like: str) -> None:
    assert likeness(character) == like


@pytest.fixture(autouse=True)
def _nobody_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would end a process that hangs, and here that is ours."""
    monkeypatch.setattr(ALARM, "end_hanging_process", lambda *_: None)


class Streams:
    """Both standard streams, in an encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self.encoding = encoding
        self._out, self._err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(self._out, encoding, errors=DEGRADE))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(self._err, encoding, errors=DEGRADE))

    @property
    def out(self) -> bytes:
        sys.stdout.flush()
        return self._out.getvalue()

    @property
    def text(self) -> str:
        """All that has been said; what cannot be decoded raises."""
        sys.stderr.flush()
        return self.out.decode(self.encoding) + self._err.getvalue().decode(self.encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_f62_whatever_is_said_can_be_said(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch, encoding)
    say("a → b \x1b[31mred\x1b]0;title\x07 \udcff 中文 ✔", "next")
    say_aside("é\x9b2J ⏎")
    assert "\x1b" not in streams.text
    assert streams.text.startswith("a ")
    assert "\nnext\n" in streams.text


def test_data_is_utf_8_and_steers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch, "gbk")
    say("中")
    with data() as file:
        file.write("✔\x1b[31m\n")
    say("文")
    assert streams.out == "中\n".encode("gbk") + "✔\n".encode() + "文\n".encode("gbk")


#: Commands that need no real process, and messages of argparse and of files that are not there.
COMMANDS = [
    ["--help"],
    ["lessons"],
    ["scenarios"],
    ["policies"],
    ["policies", "--rules"],
    ["simulate", "--help"],
    ["simulate", "convoy"],
    ["compare", "convoy", "--policies", "rr,fcfs"],
    ["check", "convoy", "nobody→"],
    ["whatif", "é.trace", "--policy", "rr"],
    ["export", "✔.trace", "--to", "csv"],
    ["simulate", "--wie→"],
    ["lesson", "→\x1b[31m"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("language", "encoding"), [("en", "gbk"), ("en", "ascii"), ("zh", "gbk"), ("zh", "latin-1")])
def test_f62_no_command_fails_for_want_of_a_character(
    words: list[str], encoding: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(monkeypatch, encoding)
    try:
        status = main(["--lang", language, *words])
    except SystemExit as end:
        status = int(end.code or 0)
    assert status in (0, 2)
    assert streams.text
    assert "\x1b" not in streams.text


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b]0;title\x07", "\x9b2J\r\udcff\u202e"])
@pytest.mark.parametrize("command", ["check", "simulate", "compare", "policies", "export", "replay", "lesson", "app"])
def test_f53_a_file_name_steers_no_terminal(
    name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.toml").write_text('[[process]]\nname = "\\u001b[1mp"\nwork = ["cpu 1ms"]\n')
    words = {
        "policies": ["policies", "--new", f"{name}.py"],
        "export": ["export", f"{name}.toml", "--to", "svg"],
        "app": [f"{name}.toml"],
    }.get(command, [command, f"{name}.toml"])
    streams = Streams(monkeypatch, "utf-8")
    assert main(words) in (0, 2)
    said = streams.text
    assert said
    assert all(character.isprintable() or character in "\n\t" for character in said), said
