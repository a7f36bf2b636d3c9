"""Parent and child change the same variable, at the same address, and keep different values."""

from multiprocessing import get_context

money = [100]


def spend():
    money[0] -= 93
    print(f"child: money = {money[0]}, address = {id(money):#x}")


def main():
    child = get_context("fork").Process(target=spend)
    child.start()
    child.join()
    print(f"parent: money = {money[0]}, address = {id(money):#x}")


if __name__ == "__main__":
    main()
