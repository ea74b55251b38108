from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.errors import ConfigurationError
from schemas.stages import STAGES
from tests.workers.stubs import StubPrepare, StubStage
from workers.device import Device
from workers.stage_cache import StageCache

pytestmark = pytest.mark.usefixtures("stub_stages")


@pytest.fixture
def cache(settings):
    cache = StageCache(settings, Device("cpu"), sandbox=None)
    yield cache
    cache.close()


def get(cache, name):
    with cache.borrow(STAGES[name]) as stage:
        return stage


def test_stage_is_loaded_once_however_many_ask(cache):
    with ThreadPoolExecutor(4) as pool:
        stages = set(pool.map(lambda _: get(cache, "ocr"), range(8)))

    assert len(stages) == 1
    assert StubStage.n_loaded == 1


def test_stage_gets_its_model_and_the_limits(cache, settings):
    context = get(cache, "ocr").context

    assert context.model == settings.model_refs["ocr"]
    assert context.limits == settings.media_limits


def test_prepare_needs_no_model(cache):
    stage = get(cache, "prepare")

    assert isinstance(stage, StubPrepare)
    assert stage.context.model is None


def test_stage_that_did_not_load_is_loaded_again(cache, monkeypatch):
    monkeypatch.setattr(StubStage, "refusal", ConfigurationError("no checkpoint"))
    with pytest.raises(ConfigurationError):
        get(cache, "ocr")
    monkeypatch.setattr(StubStage, "refusal", None)

    assert isinstance(get(cache, "ocr"), StubStage)


def test_close_unloads_all_stages(cache, monkeypatch):
    unloaded = []

    def unload(stage):
        unloaded.append(stage)

    monkeypatch.setattr(StubStage, "unload", unload)
    loaded = [get(cache, name) for name in ("ocr", "caption")]

    cache.close()
    cache.close()

    assert unloaded == loaded


# -- budget ----------------------------------------------------------------------------------

SIZES = {"ocr": 60, "caption": 30, "transcribe": 30}


@pytest.fixture
def loaded(monkeypatch):
    """Names of the stages that are loaded, on a device with a meter."""
    names = []
    device_bytes = {"value": 0}

    def load(cache, spec):
        names.append(spec.name)
        device_bytes["value"] += SIZES[spec.name]
        return Meter(spec.name)

    class Meter:
        def __init__(self, name):
            self.name = name

        def unload(self):
            names.remove(self.name)
            device_bytes["value"] -= SIZES[self.name]

    monkeypatch.setattr(StageCache, "_load", load)
    monkeypatch.setattr(Device, "used_bytes", lambda _device: device_bytes["value"])
    return names


def small_cache(settings, budget_bytes):
    limited = settings.model_copy(update={"ram_bytes": budget_bytes})
    return StageCache(limited, Device("cpu"), sandbox=None)


def use(cache, *names):
    for name in names:
        get(cache, name)


def test_all_stages_stay_loaded_without_a_budget(settings, loaded):
    use(small_cache(settings, 0), *SIZES)

    assert loaded == list(SIZES)


def test_stages_that_fit_stay_loaded(settings, loaded):
    use(small_cache(settings, 120), *SIZES, *SIZES)

    assert loaded == list(SIZES)


def test_longest_unused_stage_makes_room(settings, loaded):
    cache = small_cache(settings, 100)

    use(cache, "ocr", "caption", "ocr", "transcribe")

    assert sorted(loaded) == ["ocr", "transcribe"]


def test_room_is_made_before_a_stage_of_known_size_is_loaded(settings, loaded, monkeypatch):
    cache = small_cache(settings, 100)
    use(cache, "ocr", "caption", "transcribe")
    at_load = []
    load = StageCache._load
    monkeypatch.setattr(
        StageCache, "_load", lambda c, spec: (at_load.append(list(loaded)), load(c, spec))[1]
    )

    use(cache, "ocr")

    assert "ocr" in loaded
    assert sum(SIZES[name] for name in at_load[0]) + SIZES["ocr"] <= 100


def test_stage_that_is_larger_than_the_budget_is_loaded_alone(settings, loaded):
    cache = small_cache(settings, 50)

    use(cache, "caption", "ocr", "ocr")
    assert loaded == ["ocr"]

    use(cache, "caption")
    assert loaded == ["caption"]


def test_stage_in_use_is_not_taken_away(settings, loaded):
    cache = small_cache(settings, 60)
    use(cache, "caption")
    use(cache, "ocr")
    with cache.borrow(STAGES["ocr"]), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(get, cache, "caption")
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        assert loaded == ["ocr"]
        with cache._changed:
            cache._n_users["ocr"] -= 1
            cache._changed.notify_all()
        assert waiting.result(5).name == "caption"
        cache._n_users["ocr"] += 1

    assert loaded == ["caption"]
