from schemas.segment import Box, Page, Region, Segment, TimeSpan
from workers.passages import MAX_TOKENS, cut_passages


def count(text):
    """One token per word."""
    return len(text.split())


def line(text, locator=None, **fields):
    return Segment(ordinal=0, text=text, locator=locator, **fields)


def said(text, start_s, end_s, **fields):
    return line(text, TimeSpan(start_s=start_s, end_s=end_s), role="speech", **fields)


def texts(segments, **options):
    return [passage.text for passage in cut_passages(segments, count, **options)]


def words(n, word="w"):
    return " ".join([word] * n)


def test_cut_passages_of_nothing_is_nothing():
    assert texts([]) == []


def test_cut_passages_joins_lines_of_one_page():
    page = Page(page=2)

    (passage,) = cut_passages([line("one two", page), line("three", page)], count)

    assert (passage.text, passage.role, passage.locator) == ("one two three", "passage", page)


def test_cut_passages_numbers_from_zero():
    segments = [line("a", Page(page=page)) for page in (1, 2, 3)]

    assert [passage.ordinal for passage in cut_passages(segments, count)] == [0, 1, 2]


def test_cut_passages_never_crosses_pages():
    assert texts([line("a", Page(page=1)), line("b", Page(page=2))]) == ["a", "b"]


def test_cut_passages_fills_up_to_the_limit():
    assert texts([line(words(3)), line(words(3)), line("x")], max_tokens=6) == [words(6), "x"]


def test_cut_passages_leaves_out_blank_and_unsearchable_text():
    segments = [line(None), line("  "), line("made up", searchable=False), line("kept")]

    assert texts(segments) == ["kept"]


def test_cut_passages_unites_boxes_on_a_page():
    page = Page(page=1)
    boxes = [Box(0.1, 0.2, 0.5, 0.3), Box(0.2, 0.3, 0.6, 0.4)]

    (passage,) = cut_passages([line("a", Region(box=box, within=page)) for box in boxes], count)

    assert passage.locator == Region(box=Box(0.1, 0.2, 0.6, 0.4), within=page)


def test_cut_passages_of_a_picture_has_no_page():
    box = Box(0.1, 0.2, 0.5, 0.3)

    (passage,) = cut_passages([line("sign", Region(box=box))], count)

    assert passage.locator == Region(box=box)


def test_cut_passages_keeps_frames_apart():
    frames = [TimeSpan(start_s=0, end_s=2), TimeSpan(start_s=2, end_s=4)]
    box = Box(0, 0, 1, 1)
    segments = [
        line(t, Region(box=box, within=f)) for t, f in zip("aab", [frames[0], *frames], strict=True)
    ]

    passages = list(cut_passages(segments, count))

    assert [passage.text for passage in passages] == ["a a", "b"]
    assert passages[1].locator == Region(box=box, within=frames[1])


def test_cut_passages_keeps_pages_with_and_without_boxes_apart():
    page = Page(page=1)
    segments = [line("a", page), line("b", Region(box=Box(0, 0, 1, 1), within=page))]

    assert texts(segments) == ["a", "b"]


def test_cut_passages_joins_speech_over_short_silence():
    (passage,) = cut_passages([said("a", 1, 2), said("b", 4.9, 6)], count)

    assert passage.locator == TimeSpan(start_s=1, end_s=6)


def test_cut_passages_parts_speech_at_long_silence():
    assert texts([said("a", 1, 2), said("b", 5.1, 6)]) == ["a", "b"]


def test_cut_passages_of_speech_spans_a_moment_at_most():
    segments = [said(str(i), i * 2, i * 2 + 1.5) for i in range(7)]

    spans = [p.locator.end_s - p.locator.start_s for p in cut_passages(segments, count)]

    assert spans == [9.5, 3.5]


def test_cut_passages_keeps_a_long_utterance_whole():
    assert texts([said("a", 0, 90), said("b", 90, 91)]) == ["a", "b"]


def test_cut_passages_takes_overlapping_subtitles_together():
    (passage,) = cut_passages([said("a", 0, 5), said("b", 4, 6)], count)

    assert passage.locator == TimeSpan(start_s=0, end_s=6)


def test_cut_passages_keeps_timed_and_untimed_text_apart():
    assert texts([line("a"), said("b", 0, 1)]) == ["a", "b"]


def test_cut_passages_keeps_captions_alone():
    captions = [
        said(t, i, i + 1).model_copy(update={"role": "caption"}) for i, t in enumerate("ab")
    ]

    assert texts(captions) == ["a", "b"]


def test_cut_passages_starts_anew_at_a_heading():
    segments = [
        line("intro", role="paragraph"),
        line("Title", role="heading"),
        line("Subtitle", role="heading"),
        line("body", role="paragraph"),
    ]

    assert texts(segments) == ["intro", "Title Subtitle body"]


def test_cut_passages_parts_languages():
    segments = [line("a", language="en"), line("b"), line("c", language="de")]

    passages = list(cut_passages(segments, count))

    assert [(p.text, p.language) for p in passages] == [("a b", "en"), ("c", "de")]


def test_cut_passages_splits_long_text_at_sentence_ends():
    text = "One two three. Four five! Six seven? Eight"

    assert texts([line(text)], max_tokens=5) == ["One two three. Four five!", "Six seven? Eight"]


def test_cut_passages_splits_at_cjk_sentence_ends():
    text = "一二三。四五六。"

    split = list(cut_passages([line(text)], len, max_tokens=4))

    assert [passage.text for passage in split] == ["一二三。", "四五六。"]


def test_cut_passages_splits_a_long_sentence_at_spaces():
    assert texts([line(words(11))], max_tokens=5) == [words(5), words(5), "w"]


def test_cut_passages_splits_text_without_spaces_anywhere():
    split = list(cut_passages([line("x" * 25)], len, max_tokens=10))

    assert [len(passage.text) for passage in split] == [10, 10, 5]


def test_cut_passages_locates_pieces_of_a_split_segment_alike():
    span = TimeSpan(start_s=3, end_s=4)
    long = line(words(2 * MAX_TOKENS), span, role="subtitle")

    assert [passage.locator for passage in cut_passages([long], count)] == [span, span]


def test_cut_passages_loses_no_word():
    segments = [line(words(n, f"w{n}"), Page(page=n // 4 + 1)) for n in range(1, 30)]

    joined = " ".join(texts(segments, max_tokens=13)).split()

    assert joined == " ".join(segment.text for segment in segments).split()


def timed(text, start_s, step_s):
    """Speech in which each word takes as long."""
    words = [
        [w, start_s + i * step_s, start_s + (i + 1) * step_s] for i, w in enumerate(text.split())
    ]
    return said(text, start_s, words[-1][2], extra={"words": words})


def test_cut_passages_cuts_a_long_utterance_between_its_words():
    passages = list(cut_passages([timed("a b c d e f", 5.0, 4.0)], count))

    assert [(p.text, p.locator.start_s, p.locator.end_s) for p in passages] == [
        ("a b", 5.0, 13.0),
        ("c d", 13.0, 21.0),
        ("e f", 21.0, 29.0),
    ]


def test_cut_passages_keeps_the_words_of_what_it_joins():
    (passage,) = cut_passages([timed("a b", 0.0, 1.0), timed("c", 2.0, 1.0)], count)

    assert passage.extra["words"] == [["a", 0.0, 1.0], ["b", 1.0, 2.0], ["c", 2.0, 3.0]]


def test_cut_passages_tells_no_words_where_some_are_not_timed():
    (passage,) = cut_passages([timed("a b", 0.0, 1.0), said("c", 2, 3)], count)

    assert passage.extra == {}


def test_cut_passages_leaves_out_marks_of_markdown():
    segments = [
        line("## Ducks", role="heading"),
        line("| a | b |\n| --- | --- |\n| 1 | 2 |", role="table"),
        line("# 5", role="line"),
    ]
    assert texts(segments) == ["Ducks | a | b |\n| 1 | 2 | # 5"]


def test_cut_passages_keeps_running_headers_and_comments_alone():
    segments = [line("Secret", role="page_header"), line("a"), line("Ada: why?", role="comment")]

    assert texts(segments) == ["Secret", "a", "Ada: why?"]
