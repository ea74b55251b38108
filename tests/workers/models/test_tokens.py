from concurrent.futures import ThreadPoolExecutor

import pytest

from infra import profiles
from workers.models.tokens import Tokenizer


@pytest.fixture
def tokenizer(demo_models):
    return Tokenizer(profiles.CHECKPOINTS_DIR / "siglip", 8)


def test_tokenizer_marks_and_cuts(tokenizer):
    assert len(tokenizer.encode("red car")) == 4
    assert len(tokenizer.encode("red car " * 20)) == 8


def test_tokenizer_counts_text_of_any_length_without_marks(tokenizer):
    assert tokenizer.count("red car " * 20) == 40


def test_tokenizer_pads_to_the_longest(tokenizer, cpu):
    batch = tokenizer.batch(["red", "red car street"], cpu)

    assert batch["input_ids"].shape == (2, 5)
    assert batch["attention_mask"].sum(1).tolist() == [3, 5]


def test_tokenizer_pads_token_ids_as_it_pads_texts(tokenizer, cpu):
    texts = ["red", "red car street"]

    padded = tokenizer.pad([tokenizer.encode(text) for text in texts], cpu)

    assert padded["input_ids"].tolist() == tokenizer.batch(texts, cpu)["input_ids"].tolist()


def test_tokenizer_reads_back_without_marks(tokenizer):
    assert tokenizer.decode(tokenizer.encode("red car")) == "red car"


def test_tokenizer_serves_several_threads(tokenizer, cpu):
    def work(i):
        for _ in range(50):
            tokenizer.batch(["red", "red car"], cpu, padding="max_length" if i % 2 else True)
            tokenizer.count("red car " * 20)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
