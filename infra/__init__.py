"""Adapters: one outside system per file."""
