"""A small picture of a file, from the artifacts that our own code wrote."""

import base64
import tarfile
import tempfile
from pathlib import Path

from infra.object_store import ObjectStore
from orchestrator.evaluation.outcomes import Outcome
from schemas.asset import Artifact, ArtifactKind, ObjectRef
from schemas.errors import IngestError

#: In order of preference: the first one that an asset has is shown.
_SHOWN = (ArtifactKind.THUMBNAIL, ArtifactKind.PAGES)
#: Larger artifacts are not fetched for one small picture.
_MAX_BYTES = 8_000_000
_JPEG = b"\xff\xd8\xff"


def preview(outcome: Outcome, artifacts: ObjectStore, bucket: str) -> str | None:
    """A data URI of the thumbnail or the first page; None where there is no picture."""
    for kind in _SHOWN:
        for artifact in outcome.artifacts:
            if artifact.kind is kind and artifact.part == 0:
                jpeg = _read_jpeg(artifact, artifacts, bucket)
                if jpeg:
                    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return None


def _read_jpeg(artifact: Artifact, artifacts: ObjectStore, bucket: str) -> bytes | None:
    """The picture, or the first one of a tar; None where it is gone or too large to bother."""
    if artifact.size_bytes > _MAX_BYTES:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artifact"
        try:
            head = artifacts.head(ObjectRef(bucket=bucket, key=artifact.key))
            artifacts.download(head, path, max_bytes=_MAX_BYTES)
        except IngestError:
            return None
        jpeg = path.read_bytes() if not artifact.key.endswith(".tar") else _first_member(path)
    return jpeg if jpeg and jpeg.startswith(_JPEG) else None


def _first_member(path: Path) -> bytes | None:
    try:
        with tarfile.open(path, "r:") as tar:
            member = tar.next()
            file = tar.extractfile(member) if member else None
            return file.read() if file else None
    except tarfile.TarError:
        return None
