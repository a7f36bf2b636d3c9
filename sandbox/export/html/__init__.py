"""Export of a recording to an HTML page that plays it."""
