"""``ossandbox doctor``: what this machine can do."""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

from sandbox.analysis.measurement.examine import examine
from sandbox.analysis.measurement.report import print_findings, print_measurement
from sandbox.cli.exits import BAD_INPUT, DONE, FAILED, Interrupted, Interruption
from sandbox.cli.run_options import Given
from sandbox.i18n import _, english
from sandbox.model.schemas import FINDING, MEASUREMENT, stamped
from sandbox.model.values import Duration
from sandbox.render.output import say_document
from sandbox.render.progress import Progress
from sandbox.render.stderr import complain


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))
    parser.add_argument("--measure", action="store_true", help=_("measure with real runs, for about 15 seconds"))
    parser.add_argument("--for", metavar="DURATION", help=_("the approximate duration of the measurement"))


class DoctorOptions(NamedTuple):
    """The arguments of the command. ``for_ns``: how long to measure; None: as long as usual."""

    as_json: bool
    measure: bool
    for_ns: int | None

    @classmethod
    def of(cls, args: argparse.Namespace) -> DoctorOptions:
        """Read the arguments. Raises one BadInput for all that is wrong."""
        given = Given(args)
        for_ns = given.value("for", Duration("1s", "10min"))
        if for_ns is not None and not args.measure:
            given.add("--for", "belongs to another option", hint="--measure")
        given.check()
        return cls(args.json, args.measure, for_ns)


def do(args: argparse.Namespace) -> int:
    """Examine the machine, or measure it."""
    options = DoctorOptions.of(args)
    return _measure(options) if options.measure else _examine(options)


def _examine(options: DoctorOptions) -> int:
    if options.as_json:
        with english():
            findings = examine()
        say_document([stamped(FINDING, finding._asdict()) for finding in findings])
    else:
        findings = examine()
        print_findings(findings)
    return FAILED if any(finding.state == "fails" for finding in findings) else DONE


def _measure(options: DoctorOptions) -> int:
    if sys.platform != "linux":
        complain(_("nothing to measure: real processes are scheduled on Linux only"))
        return BAD_INPUT
    from sandbox.analysis.measurement import measure
    from sandbox.machines.linux.blocking import sensors

    tried = [name for name in sensors.NAMES if name != "auto" and sensors.obstacle(name, 1) is None]
    progress = Progress(measure.steps(tried))
    interruption = Interruption()
    with interruption:
        try:
            with interruption.while_waiting():
                measurement = measure.measure(tried, progress.next, options.for_ns or measure.USUAL_NS)
        except Interrupted as interrupted:
            return interrupted.status
        finally:
            progress.end()
    if options.as_json:
        say_document(stamped(MEASUREMENT, measurement))
    else:
        print_measurement(measurement)
    return DONE
