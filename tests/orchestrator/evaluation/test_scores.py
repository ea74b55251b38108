from orchestrator.evaluation.scores import METRICS, Score, badness, is_perfect, summarise


def test_rates_are_pooled_and_likeness_is_averaged():
    summary = summarise(
        [
            ("a", {"ocr_cer": Score(1, 10), "text_similarity": Score(1.0)}),
            ("b", {"ocr_cer": Score(9, 90), "text_similarity": Score(0.5)}),
        ]
    )

    assert summary.values == {"ocr_cer": 0.1, "text_similarity": 0.75}
    assert summary.n == {"ocr_cer": 2, "text_similarity": 2}


def test_a_group_counts_once():
    copies = [("speech", {"asr_wer": Score(5, 10)})] * 9

    summary = summarise([*copies, ("other", {"asr_wer": Score(0, 10)})])

    assert summary.values == {"asr_wer": 0.25}
    assert summary.n == {"asr_wer": 2}


def test_false_transcripts_are_counted_file_by_file():
    summary = summarise([("g", {"false_transcripts": Score(flag)}) for flag in (1.0, 0.0, 1.0)])

    assert (summary.values["false_transcripts"], summary.n["false_transcripts"]) == (2, 3)


def test_nothing_to_find_and_nothing_found_is_right():
    nothing = {"shot_f1": Score(0, 0), "ocr_cer": Score(0, 0)}

    assert summarise([("a", nothing)]).values == {"ocr_cer": 0.0, "shot_f1": 1.0}
    assert Score(0, 0).value is None
    # A false cut in a still clip still counts against the others.
    mixed = [("a", {"shot_f1": Score(0, 1)}), ("b", {"shot_f1": Score(2, 2)})]
    assert summarise(mixed).values["shot_f1"] == round(2 / 3, 6)


def test_without_truth_there_is_no_figure():
    assert summarise([]).values == {}
    assert summarise([("a", {})]).n == {}


def test_badness_is_that_of_the_worst_metric():
    assert badness({}) == (0.0, 0.0)
    assert is_perfect({"ocr_word_recall": Score(1.0), "ocr_cer": Score(0.0)})
    assert badness({"ocr_word_recall": Score(0.5), "ocr_cer": Score(3, 4)}) == (0.75, 1.25)
    assert badness({"ocr_cer": Score(30, 10)}) == (1.0, 1.0)
    assert is_perfect({"caption_cider": Score(10.0), "shot_f1": Score(0, 0)})


def test_every_promised_name_is_there():
    promised = """ocr_cer ocr_wer ocr_word_recall text_similarity reading_order_tau asr_wer asr_cer
    false_transcripts shot_precision shot_recall shot_f1 recall_at_1 recall_at_5 mrr ndcg_at_10
    moment_recall_at_1_iou50 caption_exact caption_cider facts_exact states_as_expected"""

    assert set(promised.split()) <= set(METRICS)
