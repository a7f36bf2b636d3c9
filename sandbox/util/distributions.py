"""A quick test for installed entry points that avoids ``importlib.metadata``, which imports the email, csv and zipfile
modules, though most systems have no entry points for this program."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

_KEPT_IN = (".dist-info", ".egg-info")


def may_have_entry_points(group: str) -> bool:
    """Whether some installed distribution may have entry points in this group. Only a negative answer is certain."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    return any(hasattr(finder, "find_distributions") for finder in others) or any(
        _folder_may_have(folder or os.curdir, group.encode()) for folder in sys.path
    )


def _folder_may_have(folder: str, group: bytes) -> bool:
    try:
        names = os.listdir(folder)
    except NotADirectoryError:
        return True  # an archive, which is not searched
    except OSError:
        return False
    return any(
        name.endswith(".egg") or (name.endswith(_KEPT_IN) and _names(os.path.join(folder, name), group))
        for name in names
    )


def _names(distribution: str, group: bytes) -> bool:
    try:
        with open(os.path.join(distribution, "entry_points.txt"), "rb") as file:
            return group in file.read()
    except OSError:
        return False
