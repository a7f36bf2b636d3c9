"""What a process has of its own: a number, a parent, memory, open files, a terminal."""

import os
import tempfile


def clerk():
    print(f"getpid = {os.getpid()}, getppid = {os.getppid()}")
    with tempfile.TemporaryFile("w") as notes:
        print(f"descriptor = {notes.fileno()}")
        name = input("Who are you? ")
        notes.write(name)
    print(f"Good morning, {name}")


if __name__ == "__main__":
    clerk()
