"""Records of one CPU at two paces: each wakes us at once, or, while they come thick and fast, they wait to be fetched.

To be woken costs the program that did what is recorded, some microseconds each time. At the usual rates that is little,
and it is what makes a block known at once. A program whose threads hand the CPU to and fro many thousand times a second
would be slowed down to a fraction.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time

from sandbox.machines.linux.perf_events import DATA_HEAD, DATA_TAIL, EACH, MANY, Record, Ring


class PacedRing:
    """``hurries``: whether each record wakes us. Open it before forking the processes that it shall see. Raises OSError
    where the system keeps no records for us."""

    def __init__(self, cpu: int) -> None:
        self._prompt = Ring(cpu, EACH)
        try:
            self._patient = Ring(cpu, MANY, enabled=False)
        except OSError:
            self._prompt.close()
            raise
        self.hurries = True
        self._active = self._prompt
        #: Records that were unread when the pace changed, and when that was: what the other ring has from before is in
        #: here, too.
        self._rest: list[Record] = []
        self._changed_ns = 0

    def filenos(self) -> tuple[int, int]:
        return self._prompt.fileno(), self._patient.fileno()

    def clear(self) -> None:
        """Forget that there are unread records: only further ones wake us."""
        if self.hurries:
            self._prompt.clear()

    @property
    def unread(self) -> bool:
        """Whether there are records since the last time."""
        page = self._active.page
        return page[DATA_HEAD] != page[DATA_TAIL] or bool(self._rest)

    def hurry(self, hurries: bool) -> None:
        """Change the pace. For a moment both rings record, so that nothing is lost between them."""
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
        """The records since the last time, oldest first."""
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
