"""``ossandbox plot``."""
