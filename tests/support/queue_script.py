"""What a policy says of its queues and of itself, when it is asked."""

from __future__ import annotations

from pathlib import Path

from sandbox.model.events import Clause, Described, Figure, ParameterView, Queued, Queues, QueueView
from sandbox.policies import find
from sandbox.util.units import MS
from tests.support.kernel_script import KernelScript


def queued(pid: int, **figures: Figure) -> Queued:
    return Queued(pid, figures)


def levels(t_ns: int = 0) -> Queues:
    """What mlfq says of four processes."""
    return Queues(
        t_ns,
        [
            QueueView(Clause("level", {"level": 0}), 10 * MS, 1, [queued(3, level=0, slices=1)]),
            QueueView(Clause("level", {"level": 1}), 20 * MS, 0, []),
            QueueView(
                Clause("level", {"level": 2}), 40 * MS, 2, [queued(1, level=2, slices=1), queued(4, level=2, slices=1)]
            ),
        ],
        [queued(2, level=1, slices=1)],
    )


def mlfq(**values: str) -> Described:
    """What it says of itself."""
    kind = find("mlfq")
    parameters = [
        ParameterView(
            each.name,
            values.get(each.name, each.kind.write(each.kind.read(each.default))),
            each.kind.range(),
            each.says,
        )
        for each in kind.declared()
    ]
    return Described(
        0, "mlfq", "mlfq", str(Path(find.__code__.co_filename).parent / "mlfq.py"), kind.__doc__ or "", parameters
    )


def mlfq_run() -> KernelScript:
    """Four processes under mlfq, the second of which runs."""
    script = KernelScript("mlfq", None)
    for name in ("long", "short", "editor", "pi"):
        script.admit(name)
    return script.run("short").later("8ms")
