"""A model hub on this machine."""

from tests.tiny_hub import hub, hub_cache

__all__ = ["hub", "hub_cache"]
