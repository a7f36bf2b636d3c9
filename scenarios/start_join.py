"""start does not wait; join does."""

import time
from multiprocessing import get_context


def work():
    time.sleep(0.6)
    print("child: done")


def parent():
    child = get_context("fork").Process(target=work)
    child.start()
    print("parent: started it, and go on")
    total = sum(range(1_000_000))
    print(f"parent: computed {total} meanwhile; now I wait")
    child.join()
    print("parent: it has ended")


if __name__ == "__main__":
    parent()
