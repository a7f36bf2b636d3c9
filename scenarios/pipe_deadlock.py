"""Two who tell each other a long story through two pipes, each of which holds 64 KiB."""

import os

STORY = b"and then " * 30_000


def pair(talk):
    """Start two, each with an end of both pipes, and wait for them."""
    there, back = os.pipe(), os.pipe()
    for hears, says in ((back[0], there[1]), (there[0], back[1])):
        if os.fork() == 0:
            for end in {*there, *back} - {hears, says}:
                os.close(end)  # else nobody would ever hear the end of a story
            talk(hears, says)
            os._exit(0)
    for end in (*there, *back):
        os.close(end)
    os.wait()
    os.wait()


def tell(says, story):
    while story:
        story = story[os.write(says, story) :]


def rude():
    """Each tells all of its story before it listens."""

    def talk(hears, says):
        tell(says, STORY)
        os.close(says)
        while os.read(hears, 65_536):
            pass

    pair(talk)


def polite():
    """Each tells a page, and listens to one."""

    def talk(hears, says):
        for page in range(0, len(STORY), 4_096):
            tell(says, STORY[page : page + 4_096])
            os.read(hears, 4_096)

    pair(talk)


if __name__ == "__main__":
    polite()  # rude() would never end
