"""Who has a real CPU: the recipes of a switch, the slice's timer, and the watch over stops."""
