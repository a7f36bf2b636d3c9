"""``ossandbox [SCENARIO]``: the app."""

from __future__ import annotations

import argparse
import gc
from typing import TYPE_CHECKING

from sandbox.cli import options as shared
from sandbox.spec import Scenario

if TYPE_CHECKING:
    from sandbox.link import KernelProcess


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the app takes."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=shared.SCENARIO)
    shared.add_policy(parser)
    shared.add(parser)


def do(options: argparse.Namespace) -> int:
    """Open the app."""
    gc.disable()  # nothing that is made before the first frame is garbage; the app turns it on again
    from sandbox.tui.app import run_app
    from sandbox.tui.session import Session

    def start(scenario: Scenario) -> KernelProcess:
        from sandbox.link import KernelProcess  # once the first frame is out
        from sandbox.wire import Boot

        return KernelProcess(Boot(scenario, sensor=options.sensor, stay=True, attended=True), options.strict)

    scenario = shared.scenario(options, real=True)
    return run_app(Session(scenario, start))
