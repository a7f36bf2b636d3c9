"""The machines, which carry out the kernel's orders: real processes or virtual ones."""
