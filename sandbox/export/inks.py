"""The width of pictures, and their colours: those of states differ in brightness, too, for print without colours."""

WIDTH, MARGIN = 1280, 24
INK, DIM, LINE = "#1f2328", "#5b646e", "#d0d7de"
RUNS, READY, WAITS = "#1a7f37", "#f0c36d", "#8db4e2"
