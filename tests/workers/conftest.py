"""The demo profile's models, made once per test run."""

from collections.abc import Iterator

import pytest

from infra import profiles
from schemas.stages import ModelRef
from tests.tiny_hub import hub_cache
from tests.workers.random_checkpoints import make_checkpoints
from workers.device import Device

__all__ = ["hub_cache"]


@pytest.fixture(scope="session")
def demo_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModelRef]]:
    """The demo profile over checkpoints with random weights; torch on one thread."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    make_checkpoints(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiles, "CHECKPOINTS_DIR", folder)
        yield profiles.read_profile("demo")
    torch.set_num_threads(n_threads)


@pytest.fixture
def cpu() -> Device:
    """The device that every machine has."""
    return Device("cpu")
