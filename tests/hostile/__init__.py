"""Files that attack their reader, made here, byte by byte; one or more per known attack."""
