import pytest
import torch

from schemas.errors import ConfigurationError
from workers.device import Device, pick_device


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_cores_are_shared_out_among_the_slots_of_a_cpu():
    assert pick_device("cpu", n_cores=8, max_slots=3) == Device("cpu", n_slots=3, n_threads=2)
    assert pick_device("cpu", n_cores=1, max_slots=3) == Device("cpu", n_slots=1, n_threads=1)


def test_gpu_takes_one_call_at_a_time(two_gpus):
    assert pick_device("cuda:1", n_cores=8, max_slots=3) == Device("cuda:1", 1, 8)


@pytest.mark.usefixtures("two_gpus")
def test_gpu_that_is_not_there_names_those_that_are():
    with pytest.raises(
        ConfigurationError,
        match="SLUICE_DEVICE=cuda:2: not on this machine; it has auto, cpu, cuda:0, cuda:1",
    ):
        pick_device("cuda:2", n_cores=1, max_slots=1)


def test_numbers_are_short_on_a_gpu_only():
    assert Device("cpu").dtype == torch.float32
    assert Device("cuda:0").dtype == torch.bfloat16
