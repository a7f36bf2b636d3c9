"""Synchronous or not, blocking or not: who waits for an answer, and who has the CPU meanwhile?"""

import socket
import time
from multiprocessing import get_context

context = get_context("fork")


def synchronous_blocking_input():
    print(f"You said {input('Say something: ')}")


def synchronous_blocking_sleep():
    time.sleep(0.6)


def synchronous_blocking_recv():
    ours, theirs = socket.socketpair()
    context.Process(target=send_later, args=(theirs,)).start()
    print(f"recv: {ours.recv(1024).decode()}")


def synchronous_blocking_recvfrom():
    letters = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    letters.bind(("127.0.0.1", 0))
    post = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    post.connect(letters.getsockname())
    context.Process(target=send_later, args=(post,)).start()
    print(f"recvfrom: {letters.recvfrom(1024)[0].decode()}")


def synchronous_blocking_join():
    child = context.Process(target=time.sleep, args=(0.6,))
    child.start()
    child.join()
    print("join has returned")


def synchronous_nonblocking_eval():
    total = eval("sum(number * number for number in range(2_000_000))")
    print(f"eval has returned {total}")


def asynchronous_nonblocking_start():
    child = context.Process(target=time.sleep, args=(0.5,))
    child.start()
    print("start has returned; the child has only begun")
    total = sum(range(3_000_000))
    print(f"meanwhile we have computed {total}")


def send_later(where):
    time.sleep(0.6)
    where.send(b"hello")


if __name__ == "__main__":
    synchronous_blocking_input()
    synchronous_blocking_sleep()
    synchronous_blocking_recv()
    synchronous_blocking_recvfrom()
    synchronous_blocking_join()
    synchronous_nonblocking_eval()
    asynchronous_nonblocking_start()
