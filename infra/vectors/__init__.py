"""Vector spaces: the port and its adapters."""
