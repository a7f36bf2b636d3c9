"""What a process can ask about itself, printed as JSON: ``python3 probe.py``, or its function ``main``."""

import json
import os
import resource
import signal
import sys


def facts() -> dict[str, object]:
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open("/proc/self/timerslack_ns") as file:
        slack = file.read().strip()
    return {
        "folder": os.getcwd(),
        "arguments": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "path": sys.path[0],
        "main": os.path.basename(sys.modules["__main__"].__file__ or ""),
        "ignored": status["SigIgn"],
        "blocked": status["SigBlk"],
        "caught": status["SigCgt"],
        "handlers": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP)],
        "limits": [resource.getrlimit(number) for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS)],
        "nice": os.nice(0),
        "timer slack": slack,
        "umask": oct(os.umask(0o22)),
        "leads its group": os.getpgid(0) == os.getpid(),
        "leads its session": os.getsid(0) == os.getpid(),
        "in the foreground": os.tcgetpgrp(0) == os.getpgid(0),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "streams": [
            [each.isatty(), each.line_buffering, each.encoding] for each in (sys.stdin, sys.stdout, sys.stderr)
        ],
        "flags": str(sys.flags),
        "modules": sorted(name for name in sys.modules if name.split(".")[0] in ("sandbox", "msgspec", "textual")),
        "loaded": len(sys.modules) < 120,
    }


def main() -> None:
    print(json.dumps(facts()))


if __name__ == "__main__":
    main()
