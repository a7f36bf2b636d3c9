"""What tests of commands that run real processes share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHORT = '[[process]]\nname = "a"\nwork = ["cpu 20ms", "io 10ms"]\n[[process]]\nname = "b"\nwork = ["cpu 30ms"]\n'


@pytest.fixture
def short(tmp_path: Path) -> str:
    """The file of a scenario that is soon over."""
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    return str(path)
