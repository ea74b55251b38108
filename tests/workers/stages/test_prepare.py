from dataclasses import replace

import pytest
from PIL import Image

from infra.sandbox import Sandbox
from infra.settings import MediaLimits, SandboxLimits
from schemas.asset import ArtifactKind
from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.factories import make_job, make_ref
from tests.workers.media.tiny_pdf import DATA
from workers.device import Device
from workers.stage import Prepared, Source, StageContext
from workers.stages.prepare import Prepare


@pytest.fixture(scope="module")
def stage():
    sandbox = Sandbox(SandboxLimits(n_children=2))
    limits = MediaLimits(image_px=100_000)
    stage = Prepare(StageContext(model=None, sandbox=sandbox, limits=limits))
    stage.load(Device())
    yield stage
    stage.unload()
    sandbox.close()


@pytest.fixture
def source(tmp_path):
    def make_source(name, content):
        scratch = tmp_path / name
        scratch.mkdir()
        path = scratch / "input"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, "PNG")
        ref = make_ref(key=f"../../etc/{name}")
        return Source(job=make_job(), scratch=scratch, ref=ref, path=path)

    return make_source


def prepare(stage, *sources):
    items = [item for source in sources for item in stage.preprocess(source)]
    return items, stage.forward(items)


def test_preprocess_yields_one_item_as_long_as_its_bytes(stage, source):
    (item,) = stage.preprocess(source("a.png", b"123"))

    assert item.length == 3


def test_prepare_turns_an_object_into_artifacts_in_its_scratch(stage, source):
    good = source("a.png", Image.new("RGB", (40, 30)))

    items, outputs = prepare(stage, good)

    (prepared,) = stage.postprocess(items[0], outputs[0])
    assert isinstance(prepared, Prepared)
    assert (prepared.facts.width_px, prepared.facts.height_px) == (40, 30)
    assert {a.kind for a in prepared.artifacts} == {ArtifactKind.VIEW, ArtifactKind.THUMBNAIL}
    assert all(a.path.parent == good.scratch and a.path.is_file() for a in prepared.artifacts)


def test_prepare_keeps_the_good_when_neighbours_are_bad(stage, source):
    sources = [
        source("empty.png", b""),
        source("good.png", Image.new("RGB", (40, 30))),
        source("large.png", Image.new("RGB", (400, 300))),
        source("zip.png", b"PK\x03\x04" + bytes(60)),
        source("also-good.png", Image.new("RGB", (20, 10))),
    ]

    _, outputs = prepare(stage, *sources)

    expected = [UnreadableMedia, Prepared, MediaTooLarge, UnsupportedMedia, Prepared]
    assert [type(output) for output in outputs] == expected
    assert outputs[4].facts.width_px == 20


def test_postprocess_raises_what_the_reader_raised(stage, source):
    items, outputs = prepare(stage, source("empty.png", b""))

    with pytest.raises(UnreadableMedia, match=r"empty\.png: 0 bytes"):
        list(stage.postprocess(items[0], outputs[0]))


def test_prepare_blames_a_defect_on_its_own_item(stage, source):
    good, gone = source("good.png", Image.new("L", (4, 4))), source("gone.png", b"x")
    items = [item for s in (good, gone) for item in stage.preprocess(s)]
    gone.path.unlink()

    outputs = stage.forward(items)

    assert [type(output) for output in outputs] == [Prepared, FileNotFoundError]


@pytest.mark.parametrize(
    ("passwords", "outcome"),
    [((), EncryptedMedia), (("wrong",), EncryptedMedia), (("wrong", "test"), Prepared)],
)
def test_prepare_opens_what_is_locked_if_a_password_fits(stage, source, passwords, outcome):
    path = DATA / "document/encrypted/password-is-test.pdf"
    if not path.exists():
        pytest.skip("the shared test media are absent")
    context = replace(stage.context, passwords=passwords)

    _, outputs = prepare(Prepare(context), source("locked.pdf", path.read_bytes()))

    assert type(outputs[0]) is outcome
    assert "test" not in str(getattr(outputs[0], "args", ""))
    assert "test" not in repr(context)
