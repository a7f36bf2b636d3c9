"""Times as the board writes them: short, and of one width while they grow, so that nothing beside them jumps."""

from __future__ import annotations

from sandbox.units import MS, S


def brief(ns: int) -> str:
    """A duration in few characters: ``250 ms``, ``3.6 s``, ``12 min``."""
    if ns >= 600 * S:
        return f"{ns // (60 * S)} min"
    if ns >= 100 * S:
        return f"{ns // S} s"
    return f"{ns / S:.1f} s" if ns >= S else f"{ns // MS} ms"


def part(used_ns: int, whole_ns: int) -> str:
    """So much of the whole, in the whole's unit and always as wide: `` 32/50 ms``."""
    if whole_ns >= 10 * S:
        used, whole, unit = f"{used_ns / S:.1f}", f"{whole_ns / S:.1f}".removesuffix(".0"), "s"
        return f"{used.rjust(len(f'{whole_ns / S:.1f}'))}/{whole} {unit}"
    if whole_ns >= 10 * MS:
        whole = str(whole_ns // MS)
        return f"{str(used_ns // MS).rjust(len(whole))}/{whole} ms"
    whole = f"{whole_ns / MS:.2f}"
    return f"{f'{used_ns / MS:.2f}'.rjust(len(whole))}/{whole.rstrip('0').rstrip('.')} ms"


def bar(used_ns: int, whole_ns: int, cells: int) -> tuple[str, str]:
    """The full and the empty part of a bar of so many cells."""
    full = min(used_ns * cells // max(whole_ns, 1), cells)
    return "█" * full, "░" * (cells - full)
