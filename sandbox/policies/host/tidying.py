"""Frees the policies of past runs, so that a thousand runs in one process need no more memory and descriptors than a
few."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

from sandbox.policies.host.guard import free_kept, kept
from sandbox.util.timeout import TimeLimit

#: If freeing a policy takes longer, the following ones are kept.
_LONG_END_S = 1.0
#: After so many runs, policies that refer to themselves are freed, too.
_CYCLES_EVERY = 16


class Tidying:
    """Frees policies under the time limit, because that may run their author's code."""

    def __init__(self, alarm: TimeLimit) -> None:
        self._alarm = alarm
        self._runs = 0
        self._given_up = False

    @contextmanager
    def after_run(self) -> Iterator[None]:
        """Free the policies of the run that is the body. Other threads, for which there is no time limit, do not: they
        may have runs at the same time."""
        first = kept()
        try:
            yield
        finally:
            if kept() > first and not self._given_up and current_thread() is main_thread():
                self._tidy_up(first)

    def _tidy_up(self, first: int) -> None:
        self._runs += 1
        begun_s = time.monotonic()
        free_kept(first, self._alarm, cycles=self._runs % _CYCLES_EVERY == 0)
        self._given_up = time.monotonic() - begun_s > _LONG_END_S
