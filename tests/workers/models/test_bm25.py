import pytest

from workers.models.bm25 import sparse_document, sparse_query


def test_sparse_document_holds_ascending_terms_of_some_weight():
    indices, values = sparse_document("The quick brown foxes are quick")

    assert indices == sorted(set(indices))
    assert len(indices) == 3
    assert min(values) > 0


def test_sparse_query_finds_other_forms_of_a_word():
    (term,), (weight,) = sparse_query("running")

    assert weight == 1.0
    assert term in sparse_document("she runs")[0]


def test_sparse_query_finds_words_of_scripts_without_spaces():
    assert set(sparse_query("世界")[0]) <= set(sparse_document("北京欢迎你，你好世界")[0])  # noqa: RUF001


def test_sparse_query_ignores_accents():
    assert sparse_query("cafe") == sparse_query("Café")


def test_sparse_query_of_stop_words_is_none():
    assert sparse_query("the of") is None
    assert sparse_query("") is None


def test_sparse_document_of_stop_words_has_no_terms():
    assert sparse_document("the of") == ([], [])


def test_sparse_terms_follow_the_language():
    assert sparse_query("der Hund", "german")[0] == sparse_query("Hunde", "german")[0]
    with pytest.raises(ValueError, match="klingon"):
        sparse_query("x", "klingon")
