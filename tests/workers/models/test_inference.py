import numpy as np
import pytest
import torch

from schemas.errors import DeviceOutOfMemory
from workers.models.inference import TokenLogprobs, inference, to_embeddings


def test_inference_keeps_no_gradients():
    with inference():
        assert torch.is_inference_mode_enabled()


def test_inference_translates_out_of_memory():
    with pytest.raises(DeviceOutOfMemory, match=r"^tried 2 GiB$"), inference():
        raise torch.OutOfMemoryError("tried 2 GiB\nand a long report")


def test_inference_lets_defects_fly():
    with pytest.raises(RuntimeError, match="mat1"), inference():
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_to_embeddings_gives_unit_rows_of_float32():
    rows = to_embeddings(torch.tensor([[3.0, 4.0], [0.0, 2.0]], dtype=torch.bfloat16))

    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]]), abs=1e-6)


def test_token_logprobs_records_the_most_probable_token_of_each_step():
    logprobs = TokenLogprobs()
    scores = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).log()

    assert logprobs(torch.zeros(2, 1), scores) is scores
    logprobs(torch.zeros(2, 2), scores.flip(0))

    expected = np.log([[0.5, 0.8], [0.8, 0.5]])
    assert logprobs.rows() == pytest.approx(expected, abs=1e-6)


def test_token_logprobs_without_steps_is_empty():
    assert TokenLogprobs().rows().shape == (0, 0)
