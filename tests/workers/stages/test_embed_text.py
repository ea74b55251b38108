import numpy as np
import pytest

from schemas.segment import Page, TimeSpan
from schemas.stages import ModelRef
from tests.workers.stages.sources import line, run, text_source
from workers.models.bm25 import sparse_document
from workers.models.loading import FAMILIES
from workers.models.roles import PassageEncoder
from workers.stage import StageContext
from workers.stages.embed_text import EmbedText


class TinyWords(PassageEncoder):
    """A token per word."""

    def tokenize(self, text):
        return [len(word) for word in text.split()]

    def count_tokens(self, text):
        return len(text.split())

    def embed_tokens(self, batch):
        return np.eye(8, dtype=np.float32)[: len(batch)]


@pytest.fixture
def build(monkeypatch, cpu):
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyWords")

    def build(**parameters):
        ref = ModelRef(source="tiny", revision="1", family="tiny", parameters=parameters)
        stage = EmbedText(StageContext(model=ref))
        stage.load(cpu)
        return stage

    return build


def test_embed_text_gives_passages_with_both_vectors(build, tmp_path):
    lines = [line("red cars", locator=Page(page=1)), line("run fast", locator=Page(page=1))]

    (found,) = run(build(), text_source(tmp_path, lines, source="ocr"))

    assert (found.segment.text, found.segment.role) == ("red cars run fast", "passage")
    assert found.segment.extra == {"source": "ocr"}
    assert found.segment.locator == Page(page=1)
    assert found.sparse == sparse_document("red cars run fast")
    assert found.embedding.shape == (8,)


def test_embed_text_keeps_when_words_are_said(build, tmp_path):
    words = [["red", 1.0, 1.5], ["cars", 1.5, 2.0]]
    said = line("red cars", locator=TimeSpan(start_s=1, end_s=2), extra={"words": words})

    (found,) = run(build(), text_source(tmp_path, [said], source="transcribe"))

    assert found.segment.extra == {"source": "transcribe", "words": words}


def test_embed_text_leaves_out_what_is_not_searchable(build, tmp_path):
    assert run(build(), text_source(tmp_path, [line("made up", searchable=False)])) == []


def test_embed_text_sorts_by_tokens(build, tmp_path):
    pages = [line("a " * n, locator=Page(page=n)) for n in (3, 1)]

    assert [item.length for item in build().preprocess(text_source(tmp_path, pages))] == [3, 1]


def test_embed_text_weighs_words_in_the_language_of_the_profile(build, tmp_path):
    source = text_source(tmp_path, [line("der Hund")])

    (found,) = run(build(language="german"), source)

    assert len(found.sparse[0]) == 1


def test_embed_text_keeps_a_sparse_vector_for_stop_words(build, tmp_path):
    (found,) = run(build(), text_source(tmp_path, [line("the of")]))

    assert found.sparse == ([], [])
