"""Frees the policies of past runs, so that a thousand runs in one process need no more memory and descriptors than a
few."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from threading import current_thread, main_thread
from typing import Any

from sandbox.policies.host.guard import free_kept, kept
from sandbox.policies.host.loader import limit_executions
from sandbox.util.timeout import ALARM

#: If freeing policies has taken longer so many times, the following ones are kept. Once says nothing on a busy machine.
_LONG_END_S, _MAX_LONG_ENDS = 1.0, 3
#: After so many runs, policies that refer to themselves are freed, too.
_CYCLES_EVERY = 16


class Tidying:
    """Frees policies under the time limit, because that may run their author's code."""

    def __init__(self) -> None:
        self._runs = self._long_ends = 0
        #: After how many runs descriptors were counted last, and the lowest free one then.
        self._counted: tuple[int, float] = (0, inf)

    @contextmanager
    def after_run(self) -> Iterator[None]:
        """Free the policies of the run that is the body. Other threads, for which there is no time limit, do not: they
        may have runs at the same time."""
        first, handlers = kept(), self._log_handlers()
        try:
            yield
        finally:
            if kept() > first and self._long_ends < _MAX_LONG_ENDS and current_thread() is main_thread():
                self._tidy_up(first, handlers)

    def _tidy_up(self, first: int, handlers: list[tuple[Any, Any]]) -> None:
        self._runs += 1
        begun_s = time.monotonic()
        with suppress(BaseException), ALARM:
            for logger, handler in self._log_handlers():
                if (logger, handler) not in handlers:
                    logger.removeHandler(handler)
                    handler.close()
        cycles = self._runs <= 2 or self._runs % _CYCLES_EVERY == 0
        free_kept(first, ALARM, cycles)
        if cycles:
            self._count_descriptors()
        self._long_ends += time.monotonic() - begun_s > _LONG_END_S

    def _log_handlers(self) -> list[tuple[Any, Any]]:
        """Return all loggers' handlers. They outlive the policy that has added them."""
        found: list[tuple[Any, Any]] = []
        if (logging := sys.modules.get("logging")) is not None:
            with suppress(BaseException), ALARM:
                for logger in (logging.root, *logging.root.manager.loggerDict.values()):
                    found += [(logger, handler) for handler in getattr(logger, "handlers", ())]
        return found

    def _count_descriptors(self) -> None:
        """Have policies' files not executed again if each run has left a descriptor open: something refers to it that
        outlives the policy, such as a function that is called at exit."""
        runs, lowest = self._counted
        try:
            free = os.dup(2)
        except OSError:  # none is left
            limit_executions(0)
            return
        os.close(free)
        self._counted = self._runs, free
        if free - lowest >= self._runs - runs:
            limit_executions(0)


#: Policies are kept for the whole process, so this one counts all of its runs.
TIDYING = Tidying()
