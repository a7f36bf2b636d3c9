"""The header of a recording, its first line: what was run, where, and by which version. The other lines are events."""

from __future__ import annotations

import os
import platform
from typing import Any, Literal

import msgspec

from sandbox import __version__
from sandbox.model.spec import MachineSpec, Scenario
from sandbox.util.stdin import open_bytes

#: The version of the format of the lines that follow. A reader reports a later version.
FORMAT = 1


#: The most bytes of a scenario's programs that a recording stores, in all.
_MAX_SOURCES = 1 << 18


class Header(msgspec.Struct, kw_only=True):
    """The header of a recording. ``text``: the text of the scenario's file; ``policy_source``: that of its policy's
    file, unless the policy is built in; ``sources``: for stepped runs, the texts of the programs by file name. All are
    as they were when the run began."""

    ossandbox: Literal["recording"] = "recording"
    format: int = FORMAT
    version: str = __version__
    machine: dict[str, Any] = {}
    scenario: Scenario
    text: str | None = None
    policy_source: str | None = None
    sources: dict[str, str] = {}

    @property
    def seed(self) -> int | None:
        """The seed of the policies' random numbers; None if the header was unusable."""
        return self.scenario.machine.seed if self.format else None


def describe(scenario: Scenario, file: str | None) -> Header:
    """Return the header for a run of this scenario that begins now on this computer. ``file``: the scenario's file
    (None: no file)."""
    policy_file = scenario.machine.policy.rpartition(":")[0]
    return Header(
        machine={
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
        },
        scenario=scenario,
        text=_text(file) if file is not None else None,
        policy_source=_text(os.path.join(scenario.folder, policy_file)) if policy_file else None,
        sources=_sources(scenario) if scenario.machine.stepped else {},
    )


def unknown(name: str) -> Header:
    """Return a header to use instead of an unusable one."""
    return Header(format=0, version="", scenario=Scenario(name=name, title=name, machine=MachineSpec(), processes=[]))


def _sources(scenario: Scenario) -> dict[str, str]:
    """Return the processes' main programs and the other Python files in the scenario's folder, as far as they fit."""
    first = [process.python.partition(":")[0] for process in scenario.processes if process.python is not None]
    try:
        beside = sorted(name for name in os.listdir(scenario.folder) if name.endswith(".py"))
    except OSError:
        beside = []
    sources: dict[str, str] = {}
    room = _MAX_SOURCES
    for name in dict.fromkeys([*first, *beside]):
        path = os.path.join(scenario.folder, name)
        if os.path.isfile(path) and os.path.getsize(path) <= room and (text := _text(path)) is not None:
            sources[name] = text
            room -= os.path.getsize(path)
    return sources


def _text(path: str) -> str | None:
    try:
        with open_bytes(path) as file:
            return file.read().decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    except OSError:
        return None
