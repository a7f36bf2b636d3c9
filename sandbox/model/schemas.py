"""What every JSON document says of itself: which kind it is, who wrote it, and from which seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SWEEP = "sweep-row"


def stamped(name: str, document: Mapping[str, Any], version: str, seed: int | None) -> dict[str, Any]:
    """The document, with its schema, the version that wrote it, and its seed (None: nothing was drawn by lot)."""
    return {"schema": f"ossandbox/{name}/1", "version": version, "seed": seed, **document}
