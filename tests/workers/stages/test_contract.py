"""What every stage with a model must do, whatever it does."""

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from schemas.asset import ArtifactKind
from schemas.segment import TimeSpan
from schemas.stages import STAGES
from tests.workers.stages.sources import (
    audio_source,
    image_source,
    line,
    noise,
    picture,
    run,
    text_source,
)
from workers.stage import StageContext

NAMES = [spec.name for spec in STAGES.values() if spec.needs_model]
AUDIO, TEXT = ("transcribe", "embed_audio"), ("embed_text",)


@pytest.fixture(scope="module")
def loaded(demo_models):
    """Every stage with the demo profile's model, by name."""
    from workers.device import Device

    stages = {name: build(name, demo_models) for name in NAMES}
    for stage in stages.values():
        stage.load(Device("cpu"))
    return stages


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def stage(loaded, name):
    return loaded[name]


def build(name, models):
    module, _, entry = STAGES[name].entry.partition(":")
    stage_class = getattr(importlib.import_module(module), entry)
    return stage_class(StageContext(model=models[name]))


def empty_source(name, folder):
    if name in AUDIO:
        return audio_source(folder, noise(1.0) * 0, speech=[])
    return text_source(folder, []) if name in TEXT else image_source(folder, [])


def source_of(name, folder, n_items):
    """A source of so many items of different content and length."""
    if name == "transcribe":
        regions = [(i * 20.0, i * 20.0 + 2 + i) for i in range(n_items)]
        return audio_source(folder, noise(20.0 * n_items), speech=regions)
    if name == "embed_audio":
        return audio_source(folder, noise(10.0 * n_items - 3))
    if name in TEXT:
        said = [
            line("word " * (5 * i + 3), locator=TimeSpan(start_s=i * 20, end_s=i * 20 + 1))
            for i in range(n_items)
        ]
        return text_source(folder, said, source="transcribe")
    images = [picture(f"Page {i}", (240 + 20 * i, 200)) for i in range(n_items)]
    return image_source(folder, images, ArtifactKind.VIEW)


def test_stage_makes_nothing_of_nothing(stage, name, tmp_path):
    assert list(stage.preprocess(empty_source(name, tmp_path))) == []


def test_stage_reads_lazily(stage, name, tmp_path):
    source = source_of(name, tmp_path, 3)
    items = stage.preprocess(source)

    assert iter(items) is items
    assert next(items).source is source


def test_stage_does_one_item(stage, name, tmp_path):
    results = run(stage, source_of(name, tmp_path, 1))

    assert results
    for result in results:
        assert result.segment.text or result.embedding is not None
        assert (result.embedding is not None) == (STAGES[name].space is not None)


def test_stage_gives_embeddings_of_unit_length(stage, name, tmp_path):
    for result in run(stage, source_of(name, tmp_path, 2)):
        if result.embedding is not None:
            assert result.embedding.dtype == np.float32
            assert np.linalg.norm(result.embedding) == pytest.approx(1.0, abs=1e-5)


def test_stage_batches_as_it_does_one_by_one(stage, name, tmp_path):
    items = list(stage.preprocess(source_of(name, tmp_path, 3)))
    together = stage.forward(items)
    alone = [stage.forward([item])[0] for item in items]

    assert len(items) == len(together) == 3
    for item, a, b in zip(items, together, alone, strict=True):
        pairs = zip(stage.postprocess(item, a), stage.postprocess(item, b), strict=True)
        for one, other in pairs:
            assert one.segment.text == other.segment.text
            assert one.segment.locator == other.segment.locator
            assert one.segment.confidence == pytest.approx(other.segment.confidence, abs=1e-3)
            if one.embedding is not None:
                assert one.embedding == pytest.approx(other.embedding, abs=1e-4)


def test_stage_computes_on_two_threads_as_on_one(stage, name, tmp_path):
    items = list(stage.preprocess(source_of(name, tmp_path, 2)))
    texts = [told(stage, items, stage.forward(items))]

    with ThreadPoolExecutor(2) as threads:
        outputs = list(threads.map(lambda _: stage.forward(items), range(4)))

    assert [told(stage, items, output) for output in outputs] == texts * 4


def told(stage, items, outputs):
    """What is stored of outputs, embeddings rounded."""
    return [
        (result.segment.text, result.segment.locator, rounded(result.embedding))
        for item, output in zip(items, outputs, strict=True)
        for result in stage.postprocess(item, output)
    ]


def rounded(embedding):
    return None if embedding is None else np.round(embedding, 4).tolist()


def test_stage_can_be_loaded_again(name, demo_models, cpu, tmp_path):
    stage = build(name, demo_models)
    stage.load(cpu)
    stage.unload()
    stage.load(cpu)

    assert list(stage.preprocess(source_of(name, tmp_path, 1)))
    stage.unload()
