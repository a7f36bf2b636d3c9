"""Charts, tables and lines of text, for terminals and files."""
