"""The data that crosses module and process borders: pure, no I/O, no numpy."""
