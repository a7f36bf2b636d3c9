"""The tab key completes commands, options and names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import CommandRunner

ASK = """
source <(ossandbox completion bash)
COMP_LINE="$1"; COMP_POINT=${#1}; COMP_TYPE=9; COMP_WORDS=($1); COMP_CWORD=${#COMP_WORDS[@]}
_python_argcomplete ossandbox
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("ossandbox comp", {"compare", "completion"}),
        ("ossandbox convo", {"convoy"}),
        ("ossandbox run convoy --qu", {"--quantum", "--quiet"}),
        ("ossandbox export it --to h", {"html"}),
        ("ossandbox run convoy --policy fc", {"fcfs"}),
    ],
)
def test_bash_is_told_what_may_stand_there(line: str, among: set[str]) -> None:
    surroundings = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-c", ASK, "bash", line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=surroundings)
    assert {word.strip() for word in done.stdout.split()} == among


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_words(ossandbox: CommandRunner, shell: str) -> None:
    done = ossandbox("completion", shell)
    assert (done.status, done.err) == (0, "")
    assert "ossandbox" in done.out
