"""Where objects enter: every source ends in `events.admit`."""
