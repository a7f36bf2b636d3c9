"""``ossandbox run``: real processes, without the app."""

from __future__ import annotations

import argparse
import sys

import msgspec

from sandbox.cli import run_options
from sandbox.cli.claims import Claims
from sandbox.cli.headless import RunPrinter, run_real
from sandbox.cli.run_options import RunOptions, prepare, recorder, unstretched
from sandbox.i18n import _
from sandbox.model.problems import BadInput
from sandbox.render.stderr import complain
from sandbox.util.stdin import NAME


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", help=_(run_options.SCENARIO))
    run_options.add_policy(parser)
    run_options.add(parser)
    run_options.add_limit(parser)
    run_options.add_stretch(parser)
    run_options.add_recording(parser)
    parser.add_argument("--quiet", action="store_true", help=_("print only the result, not each event"))
    parser.add_argument("--json", action="store_true", help=_("only the result, as one JSON object"))
    parser.add_argument("--verify", action="store_true", help=_("verify every slice by the system's own records"))


def do(args: argparse.Namespace) -> int:
    """Run."""
    options, verify = RunOptions.of(args), bool(args.verify)
    if verify and sys.platform != "linux":
        raise BadInput.because("--verify", "only on Linux")
    boot = msgspec.structs.replace(prepare(options, real=True), verify=verify)
    keeps, claims = recorder(options, boot.scenario), Claims.of(boot.scenario)
    aside = args.record == NAME
    printer = RunPrinter(args.quiet, args.json, boot.scenario.machine.seed, verify, keeps, claims, aside)
    for said in unstretched(options, boot.scenario):
        complain(said)
    return run_real(boot, printer, options.strict)
