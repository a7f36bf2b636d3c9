"""Export of recordings to other formats: one module per format, each with a function ``write``."""
