"""The widgets of the board's screen, and base classes shared by several panels."""
