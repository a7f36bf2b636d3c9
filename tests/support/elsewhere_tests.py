"""Runs tests as on another system: ``OSSANDBOX_ELSEWHERE=windows python -m pytest -p tests.support.elsewhere_tests``
(``make elsewhere``). Files of tests that need what is not there are left out, with what they need."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.support.elsewhere import become

_SYSTEM = os.environ.get("OSSANDBOX_ELSEWHERE")
#: What the tests themselves are made with, before anything is taken away.
_TOOLS = (
    "_pytest", "hypothesis", "pyte", "babel.messages.pofile", "jsonschema", "pytest_asyncio", "xdist",
    "matplotlib.pyplot", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_agg",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs tests is there; who only gives them out (``--numprocesses``) stays here."""
    if _SYSTEM is not None and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        for name in _TOOLS:
            pytest.importorskip(name)
        become(_SYSTEM)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """A file that cannot be imported there is skipped."""
    report = yield
    if report.failed and _SYSTEM is not None and isinstance(collector, pytest.Module):
        said = str(report.longrepr)
        why = next((line for line in said.splitlines()[::-1] if "Error" in line), "it cannot be imported there")
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: not on {_SYSTEM}: {why.strip('E ')}")
    return report
