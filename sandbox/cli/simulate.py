"""``ossandbox simulate``: the same as ``run``, in virtual time."""

from __future__ import annotations

import argparse

from sandbox.cli.headless import RunPrinter, run_virtual
from sandbox.cli.run import arguments
from sandbox.cli.run_options import RunOptions, prepare, recorder
from sandbox.util.stdin import NAME

__all__ = ["arguments", "do"]


def do(args: argparse.Namespace) -> int:
    """Simulate."""
    options = RunOptions.of(args)
    scenario = prepare(options, real=False).scenario
    keeps, aside = recorder(options, scenario), args.record == NAME
    printer = RunPrinter(args.quiet, args.json, scenario.machine.seed, recorder=keeps, aside=aside)
    return run_virtual(scenario, printer)
