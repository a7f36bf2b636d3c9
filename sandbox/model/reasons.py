"""The kernel's words for why a process became ready and why it left a CPU; policies are told them."""

from __future__ import annotations

from typing import Literal

ReadyReason = Literal["admitted", "woke", "expired", "preempted", "yielded"]
DescheduledReason = Literal["expired", "preempted", "blocked", "exited", "paused", "yielded"]
