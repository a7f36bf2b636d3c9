"""A printer that one at a time may use, and three who are not equally important."""

import fcntl
import os
import tempfile
import time

#: The run's own folder: whoever was started by the same process finds the same one.
FOLDER = os.path.join(tempfile.gettempdir(), f"inversion-{os.getppid()}")


def compute(seconds):
    """Use the CPU for so long, however long that takes."""
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass


def take(name):
    """A lock on a file; the kernel knows who has it."""
    os.makedirs(FOLDER, exist_ok=True)
    printer = open(os.path.join(FOLDER, name), "w")
    fcntl.flock(printer, fcntl.LOCK_EX)
    return printer


def low(printer):
    """Has the printer for a while."""
    with take(printer):
        print("low prints")
        compute(0.25)
    print("low has finished")


def wait_until_in_use(printer):
    """On a busy machine the least important one may come late to it."""
    while not os.path.exists(os.path.join(FOLDER, printer)):
        time.sleep(0.005)


def middle(printer):
    """Wants nothing but the CPU, once the printer is in use."""
    wait_until_in_use(printer)
    compute(0.5)
    leave(printer)


def high(printer):
    """Is the most important, and needs the printer that is in use."""
    wait_until_in_use(printer)
    begin = time.monotonic()
    with take(printer):
        print("high prints")
    waited = time.monotonic() - begin
    print(f"waited = {1000 * waited:.0f}ms")
    leave(printer)


def leave(printer):
    """Whoever of the two leaves last clears away, so that the other one still sees that it was in use."""
    path = os.path.join(FOLDER, printer)
    try:
        open(path + ".left", "x").close()
    except FileExistsError:
        os.unlink(path + ".left")
        os.unlink(path)
        if not os.listdir(FOLDER):
            os.rmdir(FOLDER)


if __name__ == "__main__":
    low("printer")
    high("printer")
    middle("printer")
