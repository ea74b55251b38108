"""One file per stage; `schemas/stages.py` is the registry."""
