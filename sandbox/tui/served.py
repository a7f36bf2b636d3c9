"""Whether the app is served to a browser's tab."""

from __future__ import annotations

import os

#: Textual's variable for another driver, which a server of the app sets.
_DRIVER = "TEXTUAL_DRIVER"


def is_served() -> bool:
    """Whether the app is drawn by a server."""
    return os.environ.get(_DRIVER) is not None
