"""Children that have ended, and parents that ask for them: at once, late, or never."""

import os
import time


def start(number=1):
    """Start children that end at once."""
    for _ in range(number):
        if os.fork() == 0:
            time.sleep(0.1)
            os._exit(7)


def careful():
    """Asks at once."""
    start()
    _, status = os.wait()
    print(f"status = {os.waitstatus_to_exitcode(status)}")


def late():
    """Has something else to do first."""
    start(2)
    time.sleep(1.2)
    for _ in range(2):
        _, status = os.wait()
        print(f"status = {os.waitstatus_to_exitcode(status)}")


def never():
    """Ends without a question."""
    start()
    time.sleep(0.8)


if __name__ == "__main__":
    careful()
