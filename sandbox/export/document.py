"""JSON: the document that ``run --json`` prints, and every event."""

from __future__ import annotations

import json
from typing import TextIO

import msgspec

from sandbox.export.material import Material
from sandbox.model.schemas import RECORDING, stamped
from sandbox.views.metrics import result


def write(material: Material, file: TextIO) -> None:
    """Write one object; times in integer ns."""
    document = {
        "recording": msgspec.to_builtins(material.header),
        **result(material.history),
        "events": [msgspec.to_builtins(event) for event in material.events],
    }
    document = stamped(RECORDING, document, material.header.seed)
    json.dump(document, file, ensure_ascii=False)
    file.write("\n")
