from demo.train.words import END, PAD, START, UNKNOWN, word_tokenizer
from demo.world import VOCABULARY


def test_every_word_is_one_token():
    tokenizer = word_tokenizer()

    lengths = {len(tokenizer(word, add_special_tokens=False).input_ids) for word in VOCABULARY}

    assert lengths == {1}


def test_case_and_punctuation_do_not_matter():
    tokenizer = word_tokenizer()

    assert tokenizer("A Red, circle!").input_ids == tokenizer("a red circle").input_ids


def test_text_is_framed_and_padded():
    ids = word_tokenizer()("red", padding="max_length", max_length=5).input_ids

    assert (ids[0], ids[2:]) == (START, [END, PAD, PAD])


def test_word_of_another_world_is_unknown():
    assert UNKNOWN in word_tokenizer()("a red bicycle").input_ids


def test_tokenizer_survives_saving(tmp_path):
    from transformers import AutoTokenizer

    word_tokenizer(["input_ids"]).save_pretrained(tmp_path)

    tokens = AutoTokenizer.from_pretrained(tmp_path)("a red circle")
    assert list(tokens) == ["input_ids"]
    assert tokens.input_ids == word_tokenizer()("a red circle").input_ids
