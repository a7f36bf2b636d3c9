"""The first line of a recording: what was run, on what, by which version. The lines after it are the events."""

from __future__ import annotations

import os
import platform
from typing import Any, Literal

import msgspec

from sandbox import __version__
from sandbox.model.spec import MachineSpec, Scenario
from sandbox.util.stdin import open_bytes

#: Of the lines that follow; a reader says so when it meets a later one.
FORMAT = 1


#: Bytes of all programs of a scenario that a recording keeps.
_MAX_SOURCES = 1 << 18


class Header(msgspec.Struct, kw_only=True):
    """``text``: the scenario's file, ``policy_source``: that of its policy, if it is somebody's own; ``sources``: where
    a turn is a line, the programs, by the names of their files; all as they were."""

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
        """From which policies drew lots; None where the header was unusable."""
        return self.scenario.machine.seed if self.format else None


def describe(scenario: Scenario, file: str | None) -> Header:
    """The header for a run of this scenario, that came from this file, on this machine, now."""
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
    """For a recording whose own header cannot be used."""
    return Header(format=0, version="", scenario=Scenario(name=name, title=name, machine=MachineSpec(), processes=[]))


def _sources(scenario: Scenario) -> dict[str, str]:
    """The programs that processes begin with, and what lies beside the scenario, as far as there is room for it."""
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
