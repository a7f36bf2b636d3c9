"""``make bench``: what claims of speed rest on, each beside its alternative in one run. Ratios, not seconds.

``python -m tests.benchmarks NAME…`` runs only those.
"""

from __future__ import annotations

import sys

from tests.benchmarks import births, dispatch, first_frame, makespan, past, screen, server, sockets, virtual

BENCHMARKS = {
    "virtual": virtual.main,
    "births": births.main,
    "dispatch": dispatch.main,
    "makespan": makespan.main,
    "first_frame": first_frame.main,
    "screen": screen.main,
    "server": server.main,
    "sockets": sockets.main,
    "past": past.main,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        print(f"\n## {name}: {(sys.modules[BENCHMARKS[name].__module__].__doc__ or '').splitlines()[0]}")
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
