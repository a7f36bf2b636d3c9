"""Reading scenario files: everything is checked before anything starts, and every fault is told at once."""

from __future__ import annotations

from sandbox.model.problems import BadInput, Problem
from sandbox.scenario.library import built_in, built_in_folder, find
from sandbox.scenario.reader import load

__all__ = ["BadInput", "Problem", "built_in", "built_in_folder", "find", "load"]
