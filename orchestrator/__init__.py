"""Decides what work exists and in which order it runs; never touches a model."""
