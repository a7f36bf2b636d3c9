"""``ossandbox whatif``: a recorded run, replayed in virtual time under another policy or quantum."""

from __future__ import annotations

import argparse
import json

from sandbox.analysis.whatif.derive import Load
from sandbox.analysis.whatif.report import document, lines
from sandbox.analysis.whatif.run import what_if
from sandbox.cli import run_options as shared
from sandbox.cli.exits import DONE
from sandbox.i18n import _
from sandbox.model.events import Clause
from sandbox.model.values import BadValue, Duration
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines
from sandbox.scenario import BadInput, Problem
from sandbox.wording import recording as worded


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("recording", help=_("a file that --record has written"))
    shared.add_policy(parser)
    parser.add_argument("--quantum", metavar="DURATION", help=_("the length of a time slice, for example 20ms"))
    parser.add_argument("--json", action="store_true", help=_("only the figures, as one JSON object"))


def do(options: argparse.Namespace) -> int:
    """Derive the load, run it, and say what differs."""
    problems: list[Problem] = []
    quantum_ns = shared.read(options, "quantum", Duration("100us", "60s"), problems)
    if options.policy is None and options.quantum is None:
        problems.append(Problem(0, "", Clause("nothing else is asked for")))
    if problems:
        raise BadInput(_("options"), problems)
    recording = shared.recording(options.recording)
    try:
        load = Load(recording.header, recording.events())
    except BadValue as bad:
        raise BadInput(options.recording, shared.faults("", bad)) from None
    try:
        what = what_if(load, options.policy, quantum_ns)
    except BadValue as bad:
        raise BadInput(_("options"), shared.faults("--policy", bad)) from None
    for problem in recording.problems:
        complain(f"{options.recording}: {worded(problem)}")
    if options.json:
        print(json.dumps(document(what)))
    else:
        print_lines(lines(what, chart_width()))
    return DONE
