"""Scheduling policies: one small class in one file each, found by name, entry point or ``file.py:Class``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.kinds import Refused, nearest
from sandbox.policies.base import Policy
from sandbox.spec import MachineSpec
from sandbox.units import write_duration

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "ossandbox.policies"


def names() -> list[str]:
    """The policies that go by name: the built-in ones (a file each), then installed ones."""
    built_in = _built_in()
    installed = [point.name for point in _installed()]
    return built_in + [name for name in installed if name not in built_in]


def _built_in() -> list[str]:
    files = sorted(os.listdir(os.path.dirname(__file__)))
    return [file[:-3] for file in files if file.endswith(".py") and file not in ("__init__.py", "base.py")]


def _installed() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # it is large, and the kernel process shall stay small

    return entry_points(group=GROUP)


def find(name: str, folder: str = ".") -> type[Policy]:
    """The policy class of a name, or of ``file.py:Class`` beside ``folder``. Raises Refused."""
    if ":" in name:
        return _from_file(name, folder)
    if name in _built_in():
        return _only_policy(importlib.import_module(f"{__name__}.{name}"), name)
    for point in _installed():
        if point.name == name:
            return _checked(point.load(), name)
    raise Refused("no such policy", value=name, allowed=" | ".join(names()), hint=nearest(name, names()))


def _from_file(name: str, folder: str) -> type[Policy]:
    import importlib.util

    file_name, _, class_name = name.rpartition(":")
    path = os.path.join(folder, file_name)
    if not os.path.isfile(path):
        raise Refused("no such file", value=file_name)
    stem = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(stem, path)
    if spec is None or spec.loader is None:
        raise Refused("not a Python file", value=file_name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Refused("file does not load", value=file_name, reason=f"{type(error).__name__}: {error}") from error
    if not hasattr(module, class_name):
        raise Refused("no such class", value=class_name, file=file_name)
    return _checked(getattr(module, class_name), name)


def _only_policy(module: object, name: str) -> type[Policy]:
    for item in vars(module).values():
        if isinstance(item, type) and issubclass(item, Policy) and item.name == name:
            return item
    raise Refused("no policy in the file", value=name)


def _checked(item: object, name: str) -> type[Policy]:
    if not (isinstance(item, type) and issubclass(item, Policy)):
        raise Refused("not a policy", value=name)
    if not item.name:
        item.name = name
    return item


def build(spec: MachineSpec, folder: str = ".") -> Policy:
    """The policy that a scenario asks for, with its parameters; its quantum goes to a policy that has one.
    Raises Refused."""
    kind = find(spec.policy, folder)
    parameters = dict(spec.parameters)
    if spec.quantum_ns is not None and any(parameter.name == "quantum" for parameter in kind.declared()):
        parameters.setdefault("quantum", write_duration(spec.quantum_ns))
    return kind(parameters, spec.seed)
