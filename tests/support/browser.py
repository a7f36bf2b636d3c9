"""The browser that pages are tried in."""

from __future__ import annotations

import os
import shutil

import pytest

#: Whoever has installed it says so, and the tests that need it are never skipped (``.ci/run``).
_EXPECTED = "OSSANDBOX_BROWSER"

browser = pytest.mark.skipif(
    shutil.which("chromium") is None and _EXPECTED not in os.environ,
    reason="there is no chromium here (apt-get install chromium)",
)
