"""The length of a turn on the clock of a stepping machine, and the default length of a slice."""

from __future__ import annotations

from msgspec.structs import replace

from sandbox.model.spec import MachineSpec
from sandbox.util.units import MS

#: The length of a turn on the machine's clock.
TURN_NS = 1 * MS


def one_line(spec: MachineSpec) -> MachineSpec:
    """Return the machine with a quantum of one line, if it is stepped and has no quantum of its own, whatever the
    policy's default is."""
    return replace(spec, quantum_ns=TURN_NS) if spec.stepped and spec.quantum_ns is None else spec
