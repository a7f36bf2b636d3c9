"""``ossandbox [SCENARIO]``: the app."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from sandbox.cli import run_options as shared
from sandbox.cli.exits import BAD_INPUT
from sandbox.i18n import _
from sandbox.model.spec import Scenario

if TYPE_CHECKING:
    from sandbox.link.client import KernelProcess


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the app takes."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=_(shared.SCENARIO))
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the app takes beside the scenario."""
    shared.add_policy(parser)
    shared.add(parser)
    shared.add_recording(parser)


def do(options: argparse.Namespace) -> int:
    """Open the app."""
    gc.disable()  # nothing that is made before the first frame is garbage; the app turns it on again
    from sandbox.tui.app import run_app
    from sandbox.tui.config import read_config
    from sandbox.tui.state.live import Live

    def start(scenario: Scenario) -> KernelProcess:
        from sandbox.link.client import KernelProcess  # once the first frame is out

        return KernelProcess(shared.boot(options, scenario, stay=True, attended=True), options.strict)

    scenario = shared.scenario(options, real=True)
    config = read_config()
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        from sandbox.render.terminal import complain

        complain(_("the app needs a terminal; ossandbox run and ossandbox simulate need none"))
        return BAD_INPUT
    return run_app(Live(scenario, start, recorder=shared.recorder(options, scenario)), config)
