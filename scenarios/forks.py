"""Three questions of the kind that exams ask: what does it print?"""

import os


def letters():
    """One fork: in which orders can the letters come?"""
    child = os.fork()
    if child == 0:
        print("b")
        os._exit(0)
    print("a")
    os.waitpid(child, 0)
    print("c")


def twice():
    """Two forks in a row: how many lines, and in which orders?"""
    first = os.fork()
    second = os.fork()
    print(f"{int(first > 0)}{int(second > 0)}")


def copies():
    """A child changes x. What do the two print?"""
    x = 1
    child = os.fork()
    x += 1
    if child == 0:
        x += 10
    print(f"x is {x}")
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    letters()
