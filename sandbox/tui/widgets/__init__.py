"""The parts of the board's screen, and what several panels are made of."""
