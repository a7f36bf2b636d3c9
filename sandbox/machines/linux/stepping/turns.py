"""How long a turn is by the clock of a stepping machine, and a slice where nobody says how long."""

from __future__ import annotations

from msgspec.structs import replace

from sandbox.model.spec import MachineSpec
from sandbox.util.units import MS

#: A turn takes so long by the machine's clock.
TURN_NS = 1 * MS


def one_line(spec: MachineSpec) -> MachineSpec:
    """The same machine; without a quantum of its own a slice is one line, whatever the policy has by itself."""
    return replace(spec, quantum_ns=TURN_NS) if spec.stepped and spec.quantum_ns is None else spec
