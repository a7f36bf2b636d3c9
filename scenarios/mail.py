"""Mail to three friends: one after the other, all at once, and all at once with a lie."""

import random
import time
from multiprocessing import get_context

context = get_context("fork")
FRIENDS = (("ann", 19), ("bob", 20), ("cleo", 21))


def send_mail(name, age):
    time.sleep(random.uniform(0.2, 0.4))
    print(f"sent to {name}, {age}")


def in_order():
    """The order matters: start one, join one."""
    for friend in FRIENDS:
        mail = context.Process(target=send_mail, args=friend)
        mail.start()
        mail.join()
    print("all sent")


def together():
    """The order does not matter: start all, then join all."""
    mails = [context.Process(target=send_mail, args=friend) for friend in FRIENDS]
    for mail in mails:
        mail.start()
    for mail in mails:
        mail.join()
    print("all sent")


def liar():
    """Nobody has been waited for: this is not true yet."""
    mails = [context.Process(target=send_mail, args=friend) for friend in FRIENDS]
    for mail in mails:
        mail.start()
    print("all sent")
    for mail in mails:
        mail.join()


if __name__ == "__main__":
    in_order()
    together()
    liar()
