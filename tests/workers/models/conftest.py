"""Tiny checkpoints, each made once per test run when a test first asks for it."""

from collections.abc import Callable
from functools import cache

import pytest
import torch

from schemas.stages import ModelRef
from tests.workers.models import checkpoints
from workers.device import Device


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelRef]:
    """Reference of the tiny checkpoint of a name in `checkpoints.MAKERS`."""
    return cache(lambda name: checkpoints.make(name, tmp_path_factory.mktemp(name)))


class Half(Device):
    """A CPU that computes in the number type of a GPU."""

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16


@pytest.fixture
def half() -> Device:
    """What a GPU does to numbers, on any machine."""
    return Half("cpu", n_threads=1)
