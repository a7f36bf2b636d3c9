"""Whether what is installed says anything under a name, before that is asked in earnest: ``importlib.metadata`` loads a
reader of mail, of tables and of archives, and most systems have nothing for us."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

_KEPT_IN = (".dist-info", ".egg-info")


def may_have_entry_points(group: str) -> bool:
    """Whether some distribution may have entry points of this group. Sure only where the answer is no."""
    others = (finder for finder in sys.meta_path if finder is not PathFinder)
    return any(hasattr(finder, "find_distributions") for finder in others) or any(
        _folder_may_have(folder or os.curdir, group.encode()) for folder in sys.path
    )


def _folder_may_have(folder: str, group: bytes) -> bool:
    try:
        names = os.listdir(folder)
    except NotADirectoryError:
        return True  # an archive
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
