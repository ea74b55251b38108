"""Trains the demo's models from scratch; the same few lines fine-tune a published checkpoint."""
