"""Signals that this system may not have."""

from __future__ import annotations

import signal

#: What asks a program to end; Windows has no SIGHUP.
ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
