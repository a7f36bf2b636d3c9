"""``ossandbox run``: real processes, without the app."""

from __future__ import annotations

import argparse

from sandbox.cli import run_options as shared
from sandbox.cli.headless import Output, run_real
from sandbox.i18n import _


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a run without the app takes."""
    parser.add_argument("scenario", help=_(shared.SCENARIO))
    shared.add_policy(parser)
    shared.add(parser)
    shared.add_limit(parser)
    shared.add_recording(parser)
    parser.add_argument("--quiet", action="store_true", help=_("no line an event, only the result"))
    parser.add_argument("--json", action="store_true", help=_("only the result, as one JSON object"))
    parser.add_argument("--verify", action="store_true", help=_("hold every slice against the system's own records"))


def do(options: argparse.Namespace) -> int:
    """Run."""
    scenario = shared.scenario(options, real=True)
    boot = shared.boot(options, scenario, verify=options.verify)
    output = Output(options.quiet, options.json, options.verify, shared.recorder(options, scenario))
    return run_real(boot, output, options.strict)
