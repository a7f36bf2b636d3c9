"""Whether the app is served to a tab of a browser."""

from __future__ import annotations

import os

#: Textual's variable for another driver; whoever serves the app sets it.
_DRIVER = "TEXTUAL_DRIVER"


def is_served() -> bool:
    """Whether a server draws what we show."""
    return os.environ.get(_DRIVER) is not None
