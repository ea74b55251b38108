"""Model families: one file each, load / forward / unload."""
