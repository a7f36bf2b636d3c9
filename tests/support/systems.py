"""What systems have that only some tests need."""

from __future__ import annotations

import os
import signal
import sys

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="real processes, and isolation, are of Linux")
unix = pytest.mark.skipif(
    not (hasattr(os, "mkfifo") and hasattr(signal, "SIGHUP")), reason="named pipes and SIGHUP are not on every system"
)
