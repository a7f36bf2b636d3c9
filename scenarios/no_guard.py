"""Spawn without the guard: the child reads this file, too, and comes to the same start()."""

from multiprocessing import get_context


def child():
    print("the child is at work")


process = get_context("spawn").Process(target=child)
process.start()
process.join()
print(f"exitcode = {process.exitcode}")
