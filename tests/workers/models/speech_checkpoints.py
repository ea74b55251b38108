"""Speech checkpoints of the published classes with random weights, made in a second."""

from pathlib import Path
from typing import Any

from schemas.stages import ModelRef
from workers.models.loading import quiet_transformers

LANGUAGES = ("en", "zh", "de")
#: The published checkpoints take windows of 30 s; these take less time.
WINDOW_S = 6


def make_whisper(folder: Path, **options: Any) -> ModelRef:
    """Write a Whisper checkpoint; see `_whisper` for the options."""
    return _made(folder, "whisper", _whisper, options)


def make_moonshine(folder: Path, **parameters: Any) -> ModelRef:
    """Write a Moonshine checkpoint; the parameters are those of its reference."""
    ref = _made(folder, "moonshine", _moonshine, {})
    return ref.model_copy(update={"parameters": parameters})


def _made(folder: Path, family: str, maker: Any, options: dict[str, Any]) -> ModelRef:
    import torch

    quiet_transformers()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        maker(folder, **options)
    return ModelRef(source=str(folder), revision="1", family=family)


def _whisper(
    folder: Path,
    *,
    is_multilingual: bool = True,
    n_mels: int = 80,
    n_decoder_layers: int = 2,
    alignment_heads: list[list[int]] | None = None,
) -> None:
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    tokenizer = _whisper_tokenizer(LANGUAGES if is_multilingual else ())
    token_id = tokenizer.convert_tokens_to_ids
    end_id, start_id = token_id("<|endoftext|>"), token_id("<|startoftranscript|>")
    marks = {"bos_token_id": end_id, "eos_token_id": end_id, "pad_token_id": end_id}
    layers = {"encoder_layers": 2, "decoder_layers": n_decoder_layers}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_mel_bins=n_mels,
        max_source_positions=WINDOW_S * 50,
        max_target_positions=32,
        init_std=0.3,
        decoder_start_token_id=start_id,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        **marks,
        **layers,
        **heads,
    )
    model = WhisperForConditionalGeneration(config)
    spoken: dict[str, Any] = {}
    if is_multilingual:
        spoken["lang_to_id"] = {f"<|{code}|>": token_id(f"<|{code}|>") for code in LANGUAGES}
        spoken["task_to_id"] = {t: token_id(f"<|{t}|>") for t in ("translate", "transcribe")}
    if alignment_heads:
        spoken["alignment_heads"] = alignment_heads
    model.generation_config = GenerationConfig(
        decoder_start_token_id=start_id,
        # As the published ones, and what is no letter too: random bytes are no text.
        suppress_tokens=_silenced(tokenizer),
        no_timestamps_token_id=token_id("<|notimestamps|>"),
        is_multilingual=is_multilingual,
        max_initial_timestamp_index=50,
        max_length=24,
        **marks,
        **spoken,
    )
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=n_mels, chunk_length=WINDOW_S).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _whisper_tokenizer(languages: tuple[str, ...]) -> Any:
    """Single bytes, then Whisper's marks in the published order, time tokens last."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import WhisperTokenizer

    vocabulary = {byte: i for i, byte in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    marks = ["endoftext", "startoftranscript", *languages, "translate", "transcribe"]
    marks += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    tokenizer.add_tokens([f"<|{mark}|>" for mark in marks], special_tokens=True)
    tokenizer.add_tokens([f"<|{i * 0.02:.2f}|>" for i in range(WINDOW_S * 50 + 1)])
    return tokenizer


def _silenced(tokenizer: Any) -> list[int]:
    """Tokens that are neither letters, spaces, times nor the end."""
    letters = {"Ġ", *"abcdefghijklmnopqrstuvwxyz,."}
    return [
        token_id
        for token, token_id in tokenizer.get_vocab().items()
        if token not in letters
        and token != "<|endoftext|>"
        and not token.endswith("0|>")
        and not token.endswith(("2|>", "4|>", "6|>", "8|>"))
    ]


def _moonshine(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        MoonshineConfig,
        MoonshineForConditionalGeneration,
        PreTrainedTokenizerFast,
        Wav2Vec2FeatureExtractor,
    )

    marks = ["<unk>", "<s>", "</s>"]
    pieces = [*marks, *(f"▁w{i}" for i in range(60))]
    inner = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, "<unk>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    config = MoonshineConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=2,
        decoder_num_hidden_layers=2,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        max_position_embeddings=194,
        initializer_range=0.3,
        pad_token_id=2,
    )
    MoonshineForConditionalGeneration(config).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True)
    extractor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
