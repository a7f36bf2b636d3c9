"""Which process has a real CPU: how it is switched, when a slice is over, and whether stops are kept."""
