"""Loading of scenario files. Everything is checked before anything starts, and all faults are reported at once.

The reader is imported only when a scenario is read, as listing and finding scenarios do not need it.
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
    """Load the scenario of a file; see ``sandbox.scenario.reader.load``. Raises BadInput."""
    from sandbox.scenario.reader import load

    return load(path, runs)
