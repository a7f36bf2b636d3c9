"""``ossandbox [SCENARIO]``: the app."""

from __future__ import annotations

import argparse

from sandbox.cli import options as shared
from sandbox.link import KernelProcess
from sandbox.spec import Scenario
from sandbox.wire import Boot


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the app takes."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=shared.SCENARIO)
    shared.add_policy(parser)
    shared.add(parser)


def do(options: argparse.Namespace) -> int:
    """Open the app."""
    from sandbox.tui.app import run_app  # large, and not needed for a refusal
    from sandbox.tui.session import Session

    def start(scenario: Scenario) -> KernelProcess:
        return KernelProcess(Boot(scenario, sensor=options.sensor, stay=True, attended=True), options.strict)

    scenario = shared.scenario(options, real=True)
    return run_app(Session(scenario, start))
