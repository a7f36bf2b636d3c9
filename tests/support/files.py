"""Files that tests write, what stands in them, and how many are open."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder

#: A scenario in which something is always running, something is always stopped, and something always waits.
BUSY = """
title = "busy"
[machine]
policy = "rr"
quantum = "5ms"
[[process]]
name = "spin"
work = ["cpu 60s"]
count = 3
[[process]]
name = "nap"
command = ["sleep", "60"]
"""


def write_scenario(folder: Path, text: str, name: str = "scenario.toml") -> str:
    """A scenario file; its path."""
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def toml_list(words: list[str]) -> str:
    """A list of strings as TOML writes it."""
    return json.dumps(words)


def write_recording(path: Path, world: Scenario, events: Iterable[Event]) -> Path:
    """A recording of a scenario in which this happened; its path."""
    recorder = Recorder(str(path), describe(world, None))
    assert recorder.take(events) is None
    recorder.close()
    return path


def open_files() -> int:
    """How many descriptors are in use."""
    found = 0
    for descriptor in range(1_000):
        with suppress(OSError):
            os.fstat(descriptor)
            found += 1
    return found
