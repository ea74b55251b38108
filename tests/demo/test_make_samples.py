import json

import av
import numpy as np
import pypdfium2
import pytest
import soundfile

from demo.make_samples import SAMPLES_DIR

TRUTH = json.loads((SAMPLES_DIR / "truth.json").read_text())


def test_truth_names_every_sample():
    names = {path.name for path in SAMPLES_DIR.iterdir()} - {"truth.json"}

    assert names == set(TRUTH)


def test_samples_are_small():
    assert sum(path.stat().st_size for path in SAMPLES_DIR.iterdir()) < 3_000_000


@pytest.mark.parametrize("name", ["shapes.mp4", "lesson.mp4"])
def test_clip_is_as_long_as_its_shots(name):
    with av.open(str(SAMPLES_DIR / name)) as clip:
        n_frames = sum(1 for _ in clip.decode(video=0))

    assert n_frames / 12 == pytest.approx(TRUTH[name]["shots"][-1]["end_s"], abs=0.1)


def test_lesson_has_a_subtitle_track():
    with av.open(str(SAMPLES_DIR / "lesson.mp4")) as clip:
        assert len(clip.streams.subtitles) == 1


def test_guide_has_a_text_layer_on_all_but_the_scanned_page():
    document = pypdfium2.PdfDocument(SAMPLES_DIR / "guide.pdf")

    texts = [page.get_textpage().get_text_range() for page in document]

    wanted = [page["text"].split() for page in TRUTH["guide.pdf"]["pages"]]
    assert [text.split() for text in texts] == [wanted[0], wanted[1], []]


def test_words_of_a_talk_are_loud_where_the_truth_says():
    samples, rate = soundfile.read(SAMPLES_DIR / "talk.flac", dtype="float32")

    for line in TRUTH["talk.flac"]["speech"]:
        spoken = samples[int(line["start_s"] * rate) : int(line["end_s"] * rate)]
        before = samples[int((line["start_s"] - 0.3) * rate) : int((line["start_s"] - 0.05) * rate)]
        assert np.abs(spoken).mean() > 20 * np.abs(before).mean()
