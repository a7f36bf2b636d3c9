"""``python -m sandbox.kernel SERVER …``: the process of a kernel, which the module SERVER surrounds with a machine.

The kernel itself knows neither a machine nor a link; both are named on the command line.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

if __name__ == "__main__":
    import_module(sys.argv[1]).main(*sys.argv[2:])
    os._exit(0)  # whatever a policy has left running
