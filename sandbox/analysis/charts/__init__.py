"""Charts of many runs and of one: what is drawn along which axis."""
