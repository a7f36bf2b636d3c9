"""ossandbox: a mini operating system in a terminal."""

__version__ = "0.1.0"
