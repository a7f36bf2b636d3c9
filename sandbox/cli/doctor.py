"""``ossandbox doctor``: what this machine can do."""

from __future__ import annotations

import argparse
import json

from sandbox import doctor
from sandbox.exits import DONE, FAILED


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the examination takes."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def do(options: argparse.Namespace) -> int:
    """Examine the machine."""
    findings = doctor.examine()
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        doctor.print_findings(findings)
    return FAILED if any(finding.state == "fails" for finding in findings) else DONE
