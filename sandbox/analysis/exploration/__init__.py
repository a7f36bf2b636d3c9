"""The search for an order of turns in which a program breaks, and for all that can come of it."""
