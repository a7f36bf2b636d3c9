"""``python -m sandbox`` is ``ossandbox``."""

import sys

from sandbox.cli import main

sys.exit(main())
