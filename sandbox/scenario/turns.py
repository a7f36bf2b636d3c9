"""Formatting of an order of turns as lines for a scenario that repeats it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

_WIDTH = 110


def order_lines(order: Iterable[str], quantum: str = "") -> str:
    """Return lines for ``[machine]`` that give the named processes turns in this order, each for ``quantum`` ("": that
    of the scenario)."""
    lines = [*_lines(json.dumps(name, ensure_ascii=False) for name in order)]
    inside = lines[0] if len(lines) == 1 else "\n".join(["", *(f"  {line}" for line in lines), ""])
    ends = f", quantum = {json.dumps(quantum)}" if quantum else ""
    return f'policy = "scripted"\nparameters = {{ order = [{inside}]{ends} }}\n'


def _lines(words: Iterable[str]) -> Iterator[str]:
    """Yield lines of words separated by commas."""
    said = ""
    for word in words:
        if len(said) + len(word) > _WIDTH:
            yield f"{said},"
            said = ""
        said += f", {word}" if said else word
    yield said
