"""The kernel process, the link between it and the terminal's process, and worker processes."""
