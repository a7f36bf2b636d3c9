"""Fork copies the whole process; spawn begins a new Python, which reads this file again."""

import sys
from multiprocessing import get_context

print(f"{sys.argv[0].rpartition('/')[2]} is read as {__name__}")


def child():
    print("the child is at work")


def main(method):
    process = get_context(method).Process(target=child)
    process.start()
    process.join()
    print(f"exitcode = {process.exitcode}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "spawn")
