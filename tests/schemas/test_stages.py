from dataclasses import replace

import pytest

from schemas.asset import ArtifactKind
from schemas.stages import (
    OBJECT,
    SPACES,
    STAGES,
    Background,
    model_fingerprint,
    plan_version,
    stage_version,
)
from tests.factories import make_model

MODELS = {name: make_model(source=f"fake/{name}") for name in STAGES}


def versions(models=MODELS):
    return {name: stage_version(spec, models) for name, spec in STAGES.items()}


def changed(models):
    before, after = versions(), versions(models)
    return {name for name in STAGES if before[name] != after[name]}


@pytest.mark.parametrize("spec", STAGES.values(), ids=lambda spec: spec.name)
def test_stage_reads_only_what_exists(spec):
    assert set(spec.reads) <= {OBJECT, *ArtifactKind, *STAGES}
    assert spec.batch_cost > 0
    assert spec.model_batch > 0


def test_stage_comes_after_the_stages_whose_text_it_reads():
    order = list(STAGES)

    for spec in STAGES.values():
        assert all(order.index(s) < order.index(spec.name) for s in spec.reads if s in STAGES)


def test_only_prepare_needs_no_model():
    assert [spec.name for spec in STAGES.values() if not spec.needs_model] == ["prepare"]


def test_each_space_is_filled_by_one_stage():
    assert {name: spec.name for name, spec in SPACES.items()} == {
        "visual": "embed_visual",
        "audio": "embed_audio",
        "text": "embed_text",
    }


def test_another_model_makes_its_stage_stale_and_what_reads_its_text():
    assert changed(MODELS | {"ocr": make_model(source="better")}) == {"ocr", "embed_text"}


def test_another_visual_model_makes_captions_stale_because_it_judges_them():
    models = MODELS | {"embed_visual": make_model(source="better")}

    assert changed(models) == {"embed_visual", "caption", "embed_text"}


def test_measuring_a_model_makes_nothing_stale():
    model = make_model(source="fake/embed_visual", background=Background(mean=0.1, std=0.1))

    assert changed(MODELS | {"embed_visual": model}) == set()


def test_another_parameter_makes_the_stage_stale():
    model = make_model(source="fake/caption", parameters={"n_beams": 4})

    assert changed(MODELS | {"caption": model}) == {"caption", "embed_text"}


def test_untrained_weights_are_a_label_not_another_model():
    assert model_fingerprint(make_model()) == model_fingerprint(make_model(random_weights=True))


def test_new_code_of_prepare_makes_every_stage_stale(monkeypatch):
    before = versions()
    monkeypatch.setitem(STAGES, "prepare", replace(STAGES["prepare"], code_version=99))

    assert all(before[name] != version for name, version in versions().items())


def test_plan_version_changes_with_any_stage():
    one, other = plan_version({"a": "1", "b": "2"}), plan_version({"a": "1", "b": "3"})

    assert one != other
    assert one == plan_version({"b": "2", "a": "1"})


def test_title_says_that_weights_are_untrained():
    assert make_model(random_weights=True).title == "fake/model (random weights)"
    assert make_model().title == "fake/model"
