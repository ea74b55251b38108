import pytest

from schemas.segment import Page, TimeSpan
from workers.media.damage import broken_page, losses, unread
from workers.media.tracks import Streams


def _streams(container: str, duration_s: float | None) -> Streams:
    return Streams(
        container=container,
        duration_s=duration_s,
        video=None,
        sound=(),
        subtitles=(),
        described={},
    )


def test_losses_name_the_missing_tail():
    [failure] = losses(_streams("mov,mp4", 10.0), 6.0, 3)

    assert failure.category == "UnreadableMedia"
    assert failure.locator == TimeSpan(start_s=6.0, end_s=10.0)
    assert "6.00 s of 10.00 s" in failure.message


def test_losses_believe_the_decoder_where_it_did_not_complain():
    assert losses(_streams("mov,mp4", 10.0), 6.0, 0) == []


@pytest.mark.parametrize("container", ["mp3", "aac", "mpegts"])
def test_losses_ignore_lengths_that_are_estimates(container):
    assert losses(_streams(container, 12.2), 2.8, 1) == []


def test_losses_ignore_a_rounded_end():
    assert losses(_streams("flac", 10.0), 9.6, 2) == []


def test_losses_name_damage_all_over():
    [failure] = losses(_streams("mov,mp4", 14.0), 14.0, 146)

    assert failure.locator == TimeSpan(start_s=0.0, end_s=14.0)
    assert "146 decoding errors" in failure.message


def test_losses_work_without_a_claim():
    assert losses(_streams("matroska,webm", None), 5.0, 2) == []


def test_unread_without_times_is_about_all():
    assert unread("audio stream 1 has 0 samples").locator is None


def test_losses_name_a_cut_that_the_decoder_did_not_notice():
    [failure] = losses(_streams("wav", 10.0), 6.0, 0, cut="found 6 bytes, expected 10")

    assert failure.locator == TimeSpan(start_s=6.0, end_s=10.0)
    assert failure.message.endswith("the rest is missing: found 6 bytes, expected 10")


def test_losses_name_the_place_of_a_cut_without_a_claim():
    [failure] = losses(_streams("ogg", None), 6.0, 0, cut="found no last page")

    assert failure.locator == TimeSpan(start_s=6.0, end_s=6.0)


def test_losses_name_each_gap():
    failures = losses(_streams("mp3", 9.0), 9.0, 1, gaps=[(1.0, 2.0), (5.0, 5.5)])

    assert [f.locator for f in failures] == [
        TimeSpan(start_s=1.0, end_s=2.0),
        TimeSpan(start_s=5.0, end_s=5.5),
    ]
    assert "1.50 s of sound are missing in 2 places" in failures[0].message


def test_losses_take_gaps_for_pauses_where_nobody_complained():
    assert losses(_streams("matroska,webm", 9.0), 9.0, 0, gaps=[(1.0, 2.0)]) == []


def test_broken_page_names_its_page():
    failure = broken_page(3, "sheet x: broken")

    assert (failure.locator, failure.message) == (Page(page=3), "page 3: sheet x: broken")


def test_losses_name_gaps_of_containers_that_have_none():
    [failure] = losses(_streams("ogg", 9.0), 9.0, 0, gaps=[(1.0, 2.0)])

    assert failure.locator == TimeSpan(start_s=1.0, end_s=2.0)
