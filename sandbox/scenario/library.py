"""The built-in scenarios, and finding a scenario by name."""

from __future__ import annotations

from pathlib import Path

from sandbox.model.problems import BadInput
from sandbox.model.values import nearest, shown
from sandbox.util.stdin import NAME


def data_folder(name: str) -> Path:
    """Return a folder of data files of the program: inside the installed package, or next to it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def built_in_folder() -> Path:
    """Return the folder of the built-in scenarios."""
    return data_folder("scenarios")


def built_in() -> list[Path]:
    """Return the files of the built-in scenarios, sorted by name."""
    return sorted(built_in_folder().glob("*.toml"))


def built_in_file(name: str) -> Path | None:
    """Return the file of the built-in scenario of this name; None if there is none."""
    return {path.stem: path for path in built_in()}.get(name)


def recording_of(name: str) -> Path | None:
    """Return the recording of a real run that belongs to a built-in lesson; None if there is none."""
    path = built_in_folder() / "recordings" / f"{name}.trace.gz"
    return path if built_in_file(name) is not None and path.is_file() else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a folder without permission, or an invalid file name
        return False


def find(name: str) -> Path:
    """Return the file for the name of a built-in scenario or a path; ``-``: standard input. Raises BadInput."""
    path = Path(name)
    if name == NAME:
        return path
    if path.suffix != ".toml" and not _exists(path):
        if (file := built_in_file(name)) is not None:
            return file
        names = [each.stem for each in built_in()]
        if (near := nearest(name, names)) is not None:
            raise BadInput.because(name, "no scenario of that name", value=shown(name), hint=near)
        raise BadInput.because(name, "no such scenario", value=shown(name), allowed=" | ".join(names))
    return path
