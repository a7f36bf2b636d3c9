"""Export to JSON: the document that ``run --json`` prints, with all events added."""

from __future__ import annotations

import json
from typing import TextIO

import msgspec

from sandbox import wording
from sandbox.export.material import Material
from sandbox.model.schemas import RECORDING, stamped
from sandbox.views.metrics import result


def write(material: Material, file: TextIO) -> None:
    """Write the document as one JSON object; times are integer ns."""
    figures = result(material.history)
    wording.add_sentences(figures)
    document = {
        "recording": msgspec.to_builtins(material.header),
        **figures,
        "events": [msgspec.to_builtins(event) for event in material.events],
    }
    document = stamped(RECORDING, document, material.header.seed)
    json.dump(document, file, ensure_ascii=False)
    file.write("\n")
