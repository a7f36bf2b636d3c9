"""Times and sizes as the board shows them: short, and of constant width while they grow, so that nothing moves."""

from __future__ import annotations

from sandbox.util.units import MS, S


def brief(ns: int) -> str:
    """Return a short duration: ``250 ms``, ``3.6 s``, ``12 min``."""
    if ns >= 600 * S:
        return f"{ns // (60 * S)} min"
    if ns >= 100 * S:
        return f"{ns // S} s"
    return f"{ns / S:.1f} s" if ns >= S else f"{ns // MS} ms"


def part(used_ns: int, whole_ns: int) -> str:
    """Return the used part of a whole, in the whole's unit and with constant width: `` 32/50 ms``."""
    if whole_ns >= 10 * S:
        used, whole, unit = f"{used_ns / S:.1f}", f"{whole_ns / S:.1f}".removesuffix(".0"), "s"
        return f"{used.rjust(len(f'{whole_ns / S:.1f}'))}/{whole} {unit}"
    if whole_ns >= 10 * MS:
        whole = str(whole_ns // MS)
        return f"{str(used_ns // MS).rjust(len(whole))}/{whole} ms"
    whole = f"{whole_ns / MS:.2f}"
    return f"{f'{used_ns / MS:.2f}'.rjust(len(whole))}/{whole.rstrip('0').rstrip('.')} ms"


def bar(used_ns: int, whole_ns: int, cells: int) -> tuple[str, str]:
    """Return the full and the empty part of a bar of ``cells`` cells."""
    full = min(used_ns * cells // max(whole_ns, 1), cells)
    return "█" * full, "░" * (cells - full)


def fine(ns: int | None) -> str:
    """Return a duration with three digits: ``0.35 ms``, ``12.4 ms``, ``1.25 s``; ``–`` for None."""
    if ns is None:
        return "–"
    if ns >= 10 * S:
        return brief(ns)
    value, unit = (ns / S, "s") if ns >= S else (ns / MS, "ms")
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def exact(ns: int) -> str:
    """Return a time with microseconds."""
    return f"{ns / S:.6f} s"


def size(number: int | None) -> str:
    """Return a number of bytes with up to three digits: ``512 B``, ``1.5 kB``, ``12 MB``; ``–`` for None."""
    if number is None:
        return "–"
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        del units[0]
    return f"{value:.0f} {units[0]}" if units[0] == "B" or value >= 9.95 else f"{value:.1f} {units[0]}"
