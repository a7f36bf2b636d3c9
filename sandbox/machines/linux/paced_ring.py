"""Records of one CPU that wake us one by one, or are collected while there are very many.

Each wake-up costs the recorded program some microseconds. At usual rates that is little, and it makes blocks known at
once. A program whose threads switch many thousand times a second would be slowed down considerably.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time

from sandbox.machines.linux.perf_events import DATA_HEAD, DATA_TAIL, EACH, MANY, Record, Ring


class PacedRing:
    """Records of one CPU. ``hurries``: whether each record wakes us. It has to be opened before the processes are
    forked that it records. Raises OSError if the system does not permit it."""

    def __init__(self, cpu: int) -> None:
        self._prompt = Ring(cpu, EACH)
        try:
            self._patient = Ring(cpu, MANY, enabled=False)
        except OSError:
            self._prompt.close()
            raise
        self.hurries = True
        self._active = self._prompt
        #: Records that were unread when the mode changed, and when that was. Older records of the other ring are
        #: duplicates of these.
        self._rest: list[Record] = []
        self._changed_ns = 0

    def filenos(self) -> tuple[int, int]:
        return self._prompt.fileno(), self._patient.fileno()

    def clear(self) -> None:
        """Mark unread records as seen, so that only further ones wake us."""
        if self.hurries:
            self._prompt.clear()

    @property
    def unread(self) -> bool:
        """Whether there are unread records."""
        page = self._active.page
        return page[DATA_HEAD] != page[DATA_TAIL] or bool(self._rest)

    def hurry(self, hurries: bool) -> None:
        """Change the mode. Both rings record for a moment, so that nothing is lost."""
        if hurries == self.hurries:
            return
        before, after = (self._patient, self._prompt) if hurries else (self._prompt, self._patient)
        after.enable()
        self._rest += self._unread()
        self._changed_ns = time.monotonic_ns()
        before.disable()
        self._rest += (record for record in before.read() if record.t_ns <= self._changed_ns)
        self.hurries, self._active = hurries, after

    def read(self) -> list[Record]:
        """Return the unread records, the oldest first."""
        records = self._unread()
        if self._rest:
            records, self._rest = self._rest + records, []
        return records

    def _unread(self) -> list[Record]:
        records = self._active.read()
        if records and records[0].t_ns <= self._changed_ns:
            return [record for record in records if record.t_ns > self._changed_ns or record.what == "lost"]
        return records

    def close(self) -> None:
        self._prompt.close()
        self._patient.close()
