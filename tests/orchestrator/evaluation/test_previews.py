import base64
import io
import tarfile

import pytest

from infra.memory_store import InMemoryObjectStore
from orchestrator.evaluation.previews import preview
from schemas.asset import ArtifactKind, ObjectRef
from tests.factories import make_artifact
from tests.orchestrator.evaluation.factories import make_outcome

JPEG = b"\xff\xd8\xff a small picture"


def tar_of(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("0.jpg")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def shown(kind: ArtifactKind, key: str, data: bytes | None, size_bytes: int = 10) -> bytes | None:
    store = InMemoryObjectStore()
    if data is not None:
        store.put(ObjectRef(bucket="artifacts", key=key), data)
    artifact = make_artifact(kind=kind, key=key, size_bytes=size_bytes)
    uri = preview(make_outcome(artifacts=[artifact]), store, "artifacts")
    if uri is None:
        return None
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(body)


def test_thumbnail_and_first_page_are_shown():
    assert shown(ArtifactKind.THUMBNAIL, "t/thumbnail.jpg", JPEG) == JPEG
    assert shown(ArtifactKind.PAGES, "t/pages-0.tar", tar_of(JPEG)) == JPEG


@pytest.mark.parametrize(
    ("kind", "key", "data"),
    [
        (ArtifactKind.AUDIO, "t/audio-0.flac", b"fLaC"),
        (ArtifactKind.THUMBNAIL, "t/thumbnail.jpg", b"<svg onload=x>"),
        (ArtifactKind.THUMBNAIL, "t/thumbnail.jpg", None),
        (ArtifactKind.PAGES, "t/pages-0.tar", b"no tar"),
        (ArtifactKind.PAGES, "t/pages-0.tar", tar_of(b"")),
    ],
)
def test_nothing_else_is(kind, key, data):
    assert shown(kind, key, data) is None


def test_large_artifacts_are_not_fetched():
    assert shown(ArtifactKind.PAGES, "t/pages-0.tar", tar_of(JPEG), size_bytes=10**9) is None
