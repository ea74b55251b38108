"""Tokenizers over the demo world's words: one word, one token."""

from collections.abc import Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from demo.world import VOCABULARY

#: Ids 0 to 3; RoBERTa, inside CLAP, counts positions from the id of padding.
START, PAD, END, UNKNOWN = range(4)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
N_WORDS = len(SPECIAL) + len(VOCABULARY)


def word_tokenizer(inputs: Sequence[str] = ("input_ids", "attention_mask")) -> Any:
    """Make a tokenizer that lowers case, drops punctuation and splits at blanks.

    Args:
        inputs: what the model takes.
    """
    words = [*SPECIAL, *VOCABULARY]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z ]"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", START), ("</s>", END)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=SPECIAL[START],
        eos_token=SPECIAL[END],
        pad_token=SPECIAL[PAD],
        unk_token=SPECIAL[UNKNOWN],
        model_input_names=list(inputs),
    )
