from orchestrator.evaluation.differences import Piece, differences


def test_words_that_differ():
    assert differences("the cat sat down", "the bat sat") == [
        Piece("equal", "the"),
        Piece("missing", "cat"),
        Piece("extra", "bat"),
        Piece("equal", "sat"),
        Piece("missing", "down"),
    ]


def test_texts_with_little_in_common_follow_each_other():
    assert differences("a b c d e", "x a y z w") == [
        Piece("missing", "a b c d e"),
        Piece("extra", "x a y z w"),
    ]


def test_one_side_empty():
    assert differences("", "thank you") == [Piece("extra", "thank you")]
    assert differences("words", "") == [Piece("missing", "words")]
    assert differences("", "") == []


def test_long_likeness_is_shown_by_its_ends():
    words = " ".join(f"w{n}" for n in range(100))

    kinds = [piece.kind for piece in differences(words, words + " more")]

    assert kinds == ["equal", "left_out", "equal", "extra"]


def test_what_is_not_compared_is_counted():
    words = " ".join(["word"] * 700)

    assert differences(words, words)[-1] == Piece("left_out", "200 more words")
