"""What each command of `sluice` does; `cli.py` parses, these act and print."""

#: Exit status: fine; some assets failed; wrong usage or environment; stopped by Ctrl-C.
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_STOPPED = 0, 1, 2, 130
