"""Parent and child change the same variable, at the same address, and keep different values."""

import time
from multiprocessing import get_context

money = [100]


def spend():
    time.sleep(0.3)
    money[0] -= 93
    print(f"child: money = {money[0]}, address = {id(money):#x}")


def main():
    child = get_context("fork").Process(target=spend)
    child.start()
    child.join()
    print(f"parent: money = {money[0]}, address = {id(money):#x}")


if __name__ == "__main__":
    main()
