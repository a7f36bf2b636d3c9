"""How long a policy may take to answer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

#: ``with alarm: …`` raises Overdue in the midst of its body when that takes too long.
Alarm = AbstractContextManager[Any]
ALL_THE_TIME: Alarm = nullcontext()


class Overdue(BaseException):
    """Raised in the midst of whatever takes too long. No ``except Exception`` may swallow it."""
