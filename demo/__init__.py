"""The demo world: sample media, small models trained on it, and how both are made."""
