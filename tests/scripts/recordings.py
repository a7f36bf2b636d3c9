"""``make recordings``: makes the recordings that come with the lessons anew, each of a real run whose claims hold.

``python -m tests.scripts.recordings [NAME …]``: of these lessons only.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.lessons.course import lessons
from sandbox.scenario import built_in_folder

#: Where other programs need the CPUs, too, a lesson's claims may fail; it is run so often.
MAX_TRIES = 6
MAX_BYTES = 100_000
#: What programs are found everywhere: a recording shall not tell how this machine is set up.
SURROUNDINGS = {**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_ROOT = built_in_folder().parent
FOLDER = built_in_folder() / "recordings"


def record(name: str) -> str:
    """Record a lesson; what stands against it, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "run.trace"
        for _ in range(MAX_TRIES):
            command = [sys.executable, "-m", "sandbox", "lesson", name, "--check", "--record", str(made), "--force"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=SURROUNDINGS)
            if done.returncode == 0:
                packed = gzip.compress(of_anywhere(made.read_bytes()), mtime=0)
                if len(packed) > MAX_BYTES:
                    return f"has {len(packed)} bytes"
                (FOLDER / f"{name}.trace.gz").write_bytes(packed)
                return ""
    return done.stdout + done.stderr


def of_anywhere(recording: bytes) -> bytes:
    """The same without the folders of this machine."""
    head, _, events = recording.partition(b"\n")
    header = json.loads(head)
    folder, header["scenario"]["folder"] = header["scenario"]["folder"], ""
    for path, there in ((folder, "."), (sys.executable, "python3"), (str(_ROOT), "."), (sys.base_prefix, "/usr")):
        events = events.replace(path.encode(), there.encode())
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + events


def main(names: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    failed = 0
    for name in names or [lesson.name for lesson in lessons()]:
        said = record(name)
        print(f"{'✘' if said else '✔'} {name} {said}", flush=True)
        failed += bool(said)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
