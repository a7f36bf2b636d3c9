"""``ossandbox doctor``: what this machine can do."""

from __future__ import annotations

import argparse
import json
import sys

from sandbox.cli import health as doctor
from sandbox.cli.exits import BAD_INPUT, DONE, FAILED
from sandbox.cli.run_options import read
from sandbox.i18n import _, english
from sandbox.model.events import Clause
from sandbox.model.values import Duration
from sandbox.render.stderr import complain
from sandbox.scenario import BadInput, Problem


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the examination takes."""
    parser.add_argument("--json", action="store_true", help=_("as JSON"))
    parser.add_argument("--measure", action="store_true", help=_("measure with real runs, for some fifteen seconds"))
    parser.add_argument("--for", metavar="DURATION", help=_("measure for about so long; the longer, the steadier"))


def do(options: argparse.Namespace) -> int:
    """Examine the machine, or measure it."""
    problems: list[Problem] = []
    for_ns = read(options, "for", Duration("1s", "10min"), problems)
    if for_ns is not None and not options.measure:
        problems.append(Problem(0, "--for", Clause("belongs to another option", {"hint": "--measure"})))
    if problems:
        raise BadInput(_("options"), problems)
    if options.measure:
        return _measure(options.json, for_ns)
    if options.json:
        with english():
            findings = doctor.examine()
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        findings = doctor.examine()
        doctor.print_findings(findings)
    return FAILED if any(finding.state == "fails" for finding in findings) else DONE


def _measure(as_json: bool, for_ns: int | None) -> int:
    if sys.platform != "linux":
        complain(_("there is nothing to measure: real processes are scheduled on Linux only"))
        return BAD_INPUT
    from sandbox.analysis.measurement.measure import USUAL_NS, measure, steps
    from sandbox.analysis.measurement.report import print_measurement
    from sandbox.cli.interrupts import Interrupted, Interruption
    from sandbox.machines.linux.blocking.sensors import NAMES, obstacle
    from sandbox.render.progress import Progress

    sensors = [name for name in NAMES if name != "auto" and obstacle(name, 1) is None]
    progress = Progress(steps(sensors))
    interruption = Interruption()
    with interruption:
        try:
            with interruption.while_waiting():
                measurement = measure(sensors, progress.next, for_ns or USUAL_NS)
        except Interrupted as interrupted:
            return interrupted.status
        finally:
            progress.end()
    if as_json:
        print(json.dumps(measurement))
    else:
        print_measurement(measurement)
    return DONE
