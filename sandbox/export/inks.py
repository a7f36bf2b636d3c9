"""The width and colours of pictures; the colours of states also differ in brightness, for print without colours."""

WIDTH, MARGIN = 1280, 24
INK, DIM, LINE = "#1f2328", "#5b646e", "#d0d7de"
RUNS, READY, WAITS = "#1a7f37", "#f0c36d", "#8db4e2"
