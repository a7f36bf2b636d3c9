"""Reading scenario files: everything is checked before anything starts, and every fault is told at once.

What reads them is loaded when one is read: whoever lists scenarios, or finds one, can do without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.model.problems import BadInput, Problem
from sandbox.scenario.library import built_in, built_in_folder, find, recording_of

if TYPE_CHECKING:
    from sandbox.model.spec import Scenario

__all__ = ["BadInput", "Problem", "built_in", "built_in_folder", "find", "load", "recording_of"]


def load(path: str | Path, runs: bool = True) -> Scenario:
    """The scenario of a file; see ``sandbox.scenario.reader``. Raises BadInput."""
    from sandbox.scenario.reader import load

    return load(path, runs)
