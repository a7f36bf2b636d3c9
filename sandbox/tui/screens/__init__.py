"""The main screen, and the dialogs that can cover it: choices, questions, details, help."""
