"""Checkpoints of the published classes with random weights, a few hundred kilobytes each.

Weights are drawn wide, so that different images and texts come out different.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from schemas.stages import ModelRef
from workers.models.loading import quiet_transformers

START, PAD, END = range(3)
#: Captions of random weights seldom end; these are long enough to differ.
MAX_TOKENS = 10
_WORDS = "a an the red blue green circle square above below of in what does this image describe"
#: Templates as the published checkpoints have them.
_SMOLVLM_CHAT = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
_QWEN_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(name: str, folder: Path) -> ModelRef:
    """Write one of `MAKERS` into a folder; returns the reference of a family that loads it."""
    import torch

    quiet_transformers()
    family, maker = MAKERS[name]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        maker(folder)
    parameters = {"max_tokens": MAX_TOKENS}
    return ModelRef(source=str(folder), revision="1", family=family, parameters=parameters)


def with_parameters(ref: ModelRef, **parameters: Any) -> ModelRef:
    """The same model with some parameters set."""
    return ref.model_copy(update={"parameters": ref.parameters | parameters})


def word_tokenizer(folder: Path, *special: str, chat: str | None = None, marks: bool = True) -> Any:
    """Save a tokenizer that knows a few words and marks; `marks`: it frames every text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "<pad>", "</s>", "<unk>", *_WORDS.split(), *(f"w{i}" for i in range(40))]
    words = list(dict.fromkeys(words))
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if marks:
        ends = [("<s>", START), ("</s>", END)]
        inner.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=ends
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(folder)
    return tokenizer


def _body(**options: Any) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "initializer_range": 0.3,
        **options,
    }


def _text(tokenizer: Any, **options: Any) -> dict[str, Any]:
    marks = {"bos_token_id": START, "eos_token_id": END, "pad_token_id": PAD}
    return _body(vocab_size=len(tokenizer), **marks) | options


def _eyes(**options: Any) -> dict[str, Any]:
    return _body(image_size=32, patch_size=8, **options)


def _save_cropping_processor(folder: Path) -> None:
    from transformers import CLIPImageProcessorPil

    size = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size).save_pretrained(folder)


def make_clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    text = _text(word_tokenizer(folder), max_position_embeddings=16)
    config = CLIPConfig(text_config=text, vision_config=_eyes(), projection_dim=24)
    CLIPModel(config).save_pretrained(folder)
    _save_cropping_processor(folder)


def make_siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    text = _text(word_tokenizer(folder), max_position_embeddings=16, projection_size=32)
    SiglipModel(SiglipConfig(text_config=text, vision_config=_eyes())).save_pretrained(folder)
    size, half = {"height": 32, "width": 32}, [0.5] * 3
    SiglipImageProcessorPil(size=size, image_mean=half, image_std=half).save_pretrained(folder)


def make_siglip_with_pieces(folder: Path) -> None:
    """SigLIP with the kind of tokenizer that its published checkpoints have."""
    import sentencepiece
    from transformers import SiglipTokenizer

    make_siglip(folder)
    (folder / "tokenizer.json").unlink()
    words = _WORDS.split()
    with (folder / "spiece.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(words[i:] + words[:i]) for i in range(len(words))]),
            model_writer=file,
            vocab_size=48,
            hard_vocab_limit=False,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
            num_threads=1,
        )
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"), model_input_names=["input_ids"])
    tokenizer.save_pretrained(folder)


def make_naflex(folder: Path) -> None:
    """SigLIP 2 for images of any shape, which no family loads."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    text = _text(word_tokenizer(folder), max_position_embeddings=16, projection_size=32)
    eyes = _body(patch_size=8, num_patches=16)
    Siglip2Model(Siglip2Config(text_config=text, vision_config=eyes)).save_pretrained(folder)
    Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16).save_pretrained(folder)


def make_xclip(folder: Path) -> None:
    from transformers import VideoMAEImageProcessorPil, XCLIPConfig, XCLIPModel

    text = _text(word_tokenizer(folder), max_position_embeddings=16)
    mit = {"mit_hidden_size": 24, "mit_intermediate_size": 48, "mit_num_hidden_layers": 1}
    eyes = _eyes(num_frames=4, mit_num_attention_heads=2, **mit)
    XCLIPModel(
        XCLIPConfig(text_config=text, vision_config=eyes, projection_dim=24)
    ).save_pretrained(folder)
    crop = {"height": 32, "width": 32}
    VideoMAEImageProcessorPil(size={"shortest_edge": 32}, crop_size=crop).save_pretrained(folder)


def make_blip(folder: Path) -> None:
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

    text = _text(
        word_tokenizer(folder),
        max_position_embeddings=64,
        encoder_hidden_size=32,
        sep_token_id=END,
        initializer_range=0.8,
    )
    config = BlipConfig(text_config=text, vision_config=_eyes(), projection_dim=24)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)


def make_git(folder: Path) -> None:
    from transformers import GitConfig, GitForCausalLM

    text = _text(word_tokenizer(folder), max_position_embeddings=128)
    GitForCausalLM(GitConfig(vision_config=_eyes(), **text)).save_pretrained(folder)
    _save_cropping_processor(folder)


def make_florence2(folder: Path) -> None:
    from transformers import (
        CLIPImageProcessorPil,
        Florence2Config,
        Florence2ForConditionalGeneration,
    )

    tokenizer = word_tokenizer(folder, "<image>")
    marks = {"bos_token_id": START, "eos_token_id": END, "pad_token_id": PAD}
    half = {f"{part}_layers": 1 for part in ("encoder", "decoder")}
    half |= {f"{part}_ffn_dim": 32 for part in ("encoder", "decoder")}
    half |= {f"{part}_attention_heads": 2 for part in ("encoder", "decoder")}
    text = {"model_type": "bart", "d_model": 32, "init_std": 0.3, "decoder_start_token_id": END}
    text |= {"vocab_size": len(tokenizer), "max_position_embeddings": 320, **half, **marks}
    eyes = {"embed_dim": [8, 8, 8, 16], "depths": [1] * 4, "num_heads": [2] * 4}
    eyes |= {"num_groups": [2] * 4, "window_size": 2, "projection_dim": 32}
    eyes |= {"max_position_embeddings": 8, "max_temporal_embeddings": 8, "initializer_range": 0.3}
    config = Florence2Config(
        text_config=text,
        vision_config=eyes,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        is_encoder_decoder=True,
        **marks,
    )
    model = Florence2ForConditionalGeneration(config)
    model.generation_config.decoder_start_token_id = END
    model.save_pretrained(folder)
    size = {"height": 64, "width": 64}
    # 64 px make 2 x 2 vectors, and one for all of them.
    CLIPImageProcessorPil(size=size, do_center_crop=False, image_seq_length=5).save_pretrained(
        folder
    )


def make_smolvlm(folder: Path, kind: str = "SmolVLM") -> None:
    import transformers

    tiles = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    special = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    tokenizer = word_tokenizer(
        folder, *special, "<|im_start|>", *tiles, chat=_SMOLVLM_CHAT, marks=False
    )
    end = tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    text = {"model_type": "llama", "num_key_value_heads": 1, "max_position_embeddings": 512}
    config = getattr(transformers, f"{kind}Config")(
        vision_config=_eyes(),
        text_config=_text(tokenizer, eos_token_id=end, **text),
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=PAD,
    )
    getattr(transformers, f"{kind}ForConditionalGeneration")(config).save_pretrained(folder)
    processor = getattr(transformers, f"{kind}ImageProcessorPil")
    edges = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
    processor(**edges).save_pretrained(folder)


def make_qwen_vl(folder: Path, kind: str = "Qwen2_5_VL") -> None:
    import transformers

    places = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = word_tokenizer(
        folder, "<|im_start|>", "<|im_end|>", *places, chat=_QWEN_CHAT, marks=False
    )
    token_id = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 2, 2]}
    text = _text(tokenizer, eos_token_id=token_id("<|im_end|>"), num_key_value_heads=1)
    text |= {"max_position_embeddings": 512, "rope_parameters": rope, "head_dim": 16}
    eyes = _body(depth=2, num_heads=2, patch_size=8, out_hidden_size=32)
    if kind == "Qwen3VL":
        eyes |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
    else:
        eyes |= {"window_size": 32, "fullatt_block_indexes": [1]}
    config = getattr(transformers, f"{kind}Config")(
        text_config=text,
        vision_config=eyes,
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
    )
    getattr(transformers, f"{kind}ForConditionalGeneration")(config).save_pretrained(folder)
    pixels = {"shortest_edge": 256, "longest_edge": 4096}
    transformers.Qwen2VLImageProcessorPil(patch_size=8, size=pixels).save_pretrained(folder)


#: Family that loads each checkpoint, and how it is made.
MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "clip": ("clip", make_clip),
    "siglip": ("siglip", make_siglip),
    "siglip_pieces": ("siglip", make_siglip_with_pieces),
    "naflex": ("siglip2", make_naflex),
    "xclip": ("xclip", make_xclip),
    "blip": ("blip", make_blip),
    "git": ("git", make_git),
    "florence2": ("florence2", make_florence2),
    "smolvlm": ("smolvlm", make_smolvlm),
    "idefics3": ("smolvlm", partial(make_smolvlm, kind="Idefics3")),
    "qwen2_5_vl": ("qwen_vl", make_qwen_vl),
    "qwen3_vl": ("qwen_vl", partial(make_qwen_vl, kind="Qwen3VL")),
}
