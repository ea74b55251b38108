"""Tiny checkpoints of the demo profile's four classes with random weights.

They have the classes, files and shapes of published ones; what they see and hear is noise, and
their cards say so.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.profiles import CARD_FILE, content_revision
from workers.models.loading import quiet_transformers

SEED = 20_240_601

#: Words that the tokenizers know whole; others fall apart into letters.
_WORDS = (
    "a an and are as at be beach bird blue by car cat chart child city date dog document engine "
    "for from green grass her his house in is it man meeting mountain music near of on page people "
    "person photo picture rain red river road sand sea she sky sound speech street table text that "
    "the they thunder title to tree two under voice walk was water were white with woman yellow"
)
_MAX_TOKENS = 64
_LANGUAGES = ("en", "zh", "de", "es", "fr")


def make_checkpoints(folder: Path) -> None:
    """Write the checkpoints into a folder, each in a folder of its own."""
    import torch

    quiet_transformers()
    for name, make in _MAKERS.items():
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            make(folder / name)
        card = {"random_weights": True, "revision": content_revision(folder / name)}
        (folder / name / CARD_FILE).write_text(json.dumps(card))


def _make_siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    tokenizer = _word_pieces()
    config = SiglipConfig(
        text_config=_transformer(
            vocab_size=len(tokenizer),
            max_position_embeddings=_MAX_TOKENS,
            projection_size=128,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        vision_config=_transformer(image_size=224, patch_size=32),
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _make_blip(folder: Path) -> None:
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

    tokenizer = _word_pieces()
    config = BlipConfig(
        text_config=_transformer(
            vocab_size=len(tokenizer),
            max_position_embeddings=_MAX_TOKENS,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
            sep_token_id=tokenizer.sep_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        vision_config=_transformer(image_size=224, patch_size=32, initializer_range=0.02),
    )
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _make_clap(folder: Path) -> None:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    tokenizer = _word_pieces()
    config = ClapConfig(
        text_config=_transformer(
            vocab_size=len(tokenizer),
            max_position_embeddings=_MAX_TOKENS + 2,  # RoBERTa reserves two
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
        ),
        audio_config={
            "patch_embeds_hidden_size": 16,
            "hidden_size": 128,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [2, 2, 4, 4],
            "num_hidden_layers": 4,
        },
        projection_dim=128,
    )
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(
        truncation="rand_trunc", frequency_min=50, frequency_max=14_000
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _make_whisper(folder: Path) -> None:
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    tokenizer = _whisper_tokenizer()
    token_id = tokenizer.convert_tokens_to_ids
    start_id, end_id = token_id("<|startoftranscript|>"), token_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_target_positions=64,
        decoder_start_token_id=start_id,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        decoder_start_token_id=start_id,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
        lang_to_id={f"<|{code}|>": token_id(f"<|{code}|>") for code in _LANGUAGES},
        task_to_id={task: token_id(f"<|{task}|>") for task in ("translate", "transcribe")},
        no_timestamps_token_id=token_id("<|notimestamps|>"),
        is_multilingual=True,
        max_initial_timestamp_index=50,
        max_length=32,
    )
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(folder)


#: How each checkpoint is made.
_MAKERS: dict[str, Callable[[Path], None]] = {
    "siglip": _make_siglip,
    "blip": _make_blip,
    "whisper": _make_whisper,
    "clap": _make_clap,
}


def _transformer(**options: Any) -> dict[str, Any]:
    """A transformer small enough for milliseconds on one core."""
    return {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        **options,
    }


def _word_pieces() -> Any:
    """A BERT-like tokenizer: lower case, words that are known whole, else their letters."""
    from transformers import BertTokenizer

    letters = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper()]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *_WORDS.split()]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return BertTokenizer(vocab=vocabulary, model_max_length=_MAX_TOKENS)


def _whisper_tokenizer() -> Any:
    """Single bytes, then Whisper's special tokens in the published order, time tokens last."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import WhisperTokenizer

    vocabulary = {byte: i for i, byte in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    languages = [f"<|{code}|>" for code in _LANGUAGES]
    special = ["<|endoftext|>", "<|startoftranscript|>", *languages, "<|translate|>"]
    special += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>"]
    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_tokens(special, special_tokens=True)
    tokenizer.add_tokens(times)
    return tokenizer
