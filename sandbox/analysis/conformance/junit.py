"""Writes reports as JUnit XML, which graders and CI servers read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET


class Case(NamedTuple):
    """One test case. ``outcome``: passed, failed, error or skipped; ``says``: the reason; ``details``: the details, in
    lines."""

    name: str
    outcome: str
    says: str = ""
    details: str = ""


class Suite(NamedTuple):
    """The test cases of one file or policy. ``seconds``: how long they took."""

    name: str
    cases: Sequence[Case]
    seconds: float


_TAGS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def junit(suites: Iterable[Suite]) -> bytes:
    """Return the XML document."""
    from xml.etree import ElementTree as ET  # rarely needed

    root = ET.Element("testsuites")
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        outcomes = [case.outcome for case in suite.cases]
        counts = {
            "tests": len(outcomes),
            "failures": outcomes.count("failed"),
            "errors": outcomes.count("error"),
            "skipped": outcomes.count("skipped"),
        }
        totals = {name: totals[name] + count for name, count in counts.items()}
        element = ET.SubElement(root, "testsuite", name=_clean(suite.name), time=f"{suite.seconds:.3f}")
        element.attrib |= {name: str(count) for name, count in counts.items()}
        for case in suite.cases:
            _add_case(element, suite.name, case)
    root.attrib |= {name: str(count) for name, count in totals.items()}
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(suite: ET.Element, class_name: str, case: Case) -> None:
    from xml.etree import ElementTree as ET

    element = ET.SubElement(suite, "testcase", classname=_clean(class_name), name=_clean(case.name))
    tag = _TAGS.get(case.outcome)
    if tag is not None:
        result = ET.SubElement(element, tag, message=_clean(case.says))
        if case.details:
            result.text = _clean(case.details)


def _clean(text: str) -> str:
    return _forbidden().sub("", text)


@cache
def _forbidden() -> re.Pattern[str]:
    """Return a pattern of the characters that XML 1.0 does not permit."""
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
