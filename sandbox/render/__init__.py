"""Output of charts, tables and lines of text to terminals and files."""
