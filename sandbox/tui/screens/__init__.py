"""What can cover the board: choices, questions, details, help."""
