"""Why a process is ready, and why it left a CPU: the words of the kernel, which policies are told."""

from __future__ import annotations

from typing import Literal

ReadyReason = Literal["admitted", "woke", "expired", "preempted", "yielded"]
DescheduledReason = Literal["expired", "preempted", "blocked", "exited", "paused", "yielded"]
