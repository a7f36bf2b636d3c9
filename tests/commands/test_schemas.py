"""Every JSON document says what it is, and is what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox import __version__
from tests.support.commands import CommandRunner
from tests.support.files import write_scenario

WORLD = '[[process]]\nname = "a"\nwork = ["cpu 5ms", "io 5ms"]\n[[process]]\nname = "b"\nwork = ["cpu 8ms"]\n'
BAD = "from sandbox.policies import Policy\nclass Bad(Policy):\n    def pick(self, cpu, now_ns):\n        1 / 0\n"


@pytest.fixture
def world(tmp_path: Path) -> str:
    return write_scenario(tmp_path, WORLD, "world.toml")


def valid(ossandbox: CommandRunner, text: str, name: str) -> list[dict[str, Any]]:
    """All documents of what was printed, each valid."""
    found = [json.loads(line) for line in text.splitlines()]
    documents = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    schema = json.loads(ossandbox("schema", name).out)
    Draft202012Validator.check_schema(schema)
    assert documents
    for document in documents:
        assert (document["schema"], document["version"]) == (f"ossandbox/{name}/1", __version__)
        Draft202012Validator(schema).validate(document)
    return documents


@pytest.mark.parametrize(
    ("name", "words", "seed"),
    [
        ("run", ["simulate", "WORLD", "--json", "--seed", "7"], 7),
        ("run", ["compare", "WORLD", "--json", "--repeat", "2", "--seed", "7"], 7),
        ("sweep-row", ["sweep", "WORLD", "--seeds", "7..8", "--policies", "rr,lottery,BAD"], 7),
        ("check", ["check", "rr", "WORLD", "BAD", "no.toml", "--json", "--seed", "7", "--worlds", "5"], 7),
        ("scenario", ["scenarios", "--json"], None),
        ("lesson", ["lessons", "--json"], None),
        ("policy", ["policies", "--json"], None),
        ("finding", ["doctor", "--json"], None),
        ("recording", ["export", "TRACE", "--to", "json"], 7),
        ("whatif", ["whatif", "TRACE", "--policy", "fcfs", "--json"], 7),
    ],
)
def test_documents_are_valid(
    ossandbox: CommandRunner, world: str, tmp_path: Path, name: str, words: list[str], seed: int | None
) -> None:
    trace = str(tmp_path / "trace")
    ossandbox("simulate", world, "--quiet", "--record", trace, "--seed", "7")
    bad = write_scenario(tmp_path, BAD, "bad.py") + ":Bad"
    meant = {"WORLD": world, "TRACE": trace, "BAD": bad, "rr,lottery,BAD": f"rr,lottery,{bad}"}
    documents = valid(ossandbox, ossandbox(*(meant.get(word, word) for word in words)).out, name)
    assert documents[0]["seed"] == seed


def test_the_schemas_are_listed_and_a_wrong_name_is_told(ossandbox: CommandRunner) -> None:
    assert "sweep-row" in ossandbox("schema").out
    assert json.loads(ossandbox("schema", "ossandbox/run/1").out)["$id"] == "ossandbox/run/1"
    done = ossandbox("schema", "rnu")
    assert (done.status, done.out) == (2, "")
    assert "Did you mean run?" in done.err
