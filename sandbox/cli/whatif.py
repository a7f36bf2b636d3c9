"""``ossandbox whatif``: a recorded run, replayed in virtual time under another policy or quantum."""

from __future__ import annotations

import argparse

from sandbox.analysis.whatif.derive import Load
from sandbox.analysis.whatif.report import document, lines, what_if
from sandbox.cli.exits import DONE
from sandbox.cli.recordings import complain_of, opened
from sandbox.cli.run_options import QUANTUM, Given, add_policy, add_quantum
from sandbox.i18n import _
from sandbox.model.problems import BadInput, problems_of
from sandbox.model.schemas import WHATIF, stamped
from sandbox.model.values import BadValue
from sandbox.render.output import say_document
from sandbox.render.tables import chart_width, print_lines


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recording", help=_("a recording: a file written by --record, or a lesson's name"))
    add_policy(parser)
    add_quantum(parser)
    parser.add_argument(
        "--own", metavar="POLICY", help=_("the policy under which it was recorded, if that is a file of yours")
    )
    parser.add_argument("--json", action="store_true", help=_("only the figures, as one JSON object"))


def do(args: argparse.Namespace) -> int:
    """Derive the load, run it, and say what differs."""
    given = Given(args)
    policy, quantum_ns = args.policy, given.value("quantum", QUANTUM)
    if policy is None and args.quantum is None:
        given.add("", "nothing else is asked for")
    given.check()
    with opened(args.recording) as recording:
        load = Load(recording.header, recording.events())
    try:
        what = what_if(load, policy, quantum_ns, args.own)
    except BadValue as bad:
        place = "--own" if bad.what.rule == "file nobody named" else "--policy"
        raise BadInput(_("options"), problems_of(bad, place)) from None
    complain_of(recording)
    if args.json:
        say_document(stamped(WHATIF, document(what), recording.header.seed))
    else:
        print_lines(lines(what, chart_width()))
    return DONE
