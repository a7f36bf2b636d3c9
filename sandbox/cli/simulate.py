"""``ossandbox simulate``: the same as ``run``, in virtual time."""

from __future__ import annotations

import argparse

from sandbox.cli import run_options as shared
from sandbox.cli.headless import Output, run_virtual
from sandbox.cli.run import arguments

__all__ = ["arguments", "do"]


def do(options: argparse.Namespace) -> int:
    """Simulate."""
    scenario = shared.scenario(options, real=False)
    return run_virtual(scenario, Output(options.quiet, options.json, recorder=shared.recorder(options, scenario)))
