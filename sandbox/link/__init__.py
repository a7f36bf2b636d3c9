"""The kernel process, and the link between it and the process of the terminal."""
