"""How much memory is this process's alone, how much does it share? And what does a fork copy?"""

import time
from multiprocessing import get_context

MB = 1_000_000


def measure():
    """Resident, shared and private memory of this process, in MB, as the system counts it."""
    with open("/proc/self/smaps_rollup") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 / MB for line in file if line.rstrip().endswith("kB")}
    shared = sizes["Shared_Clean"] + sizes["Shared_Dirty"]
    return f"resident = {sizes['Rss']:.1f}, shared = {shared:.1f}, private = {sizes['Rss'] - shared:.1f}"


def program(megabytes):
    block = bytearray(b"x") * (megabytes * MB)
    print(measure())
    time.sleep(0.8)
    del block


def fork_and_write(megabytes):
    block = bytearray(b"x") * (megabytes * MB)
    child = get_context("fork").Process(target=write, args=(block,))
    child.start()
    child.join()


def write(block):
    print("before:", measure())
    time.sleep(0.5)
    for page in range(0, len(block), 4096):
        block[page] = 0
    print("after:", measure())
    time.sleep(0.5)


if __name__ == "__main__":
    program(8)
    fork_and_write(24)
