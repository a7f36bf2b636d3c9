"""The code inside a process that runs one line per turn: the hook, how children inherit it, and the zygote."""
