"""Whoever finds no leader becomes the leader; there should be one."""

import os
from multiprocessing import get_context

context = get_context("fork")


def stand(name):
    if not os.path.exists("leader"):
        with open("leader", "a") as file:
            file.write(f"{name}\n")


def main():
    people = [context.Process(target=stand, args=(name,)) for name in ("ann", "bob")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    with open("leader") as file:
        leaders = len(file.readlines())
    os.remove("leader")
    print(f"leaders = {leaders}")


if __name__ == "__main__":
    main()
