"""Objects of the artifact store from a folder into a bucket, and whether both hold the same.

What there is of an asset is read from the stores, not from rows: members of archives lie beside
the artifacts, and both must come along.
"""

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from infra.holdings import AssetArtifacts, Holdings
from orchestrator.move.ends import End
from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import ConfigurationError
from schemas.move import ArtifactsReport

#: Assets under way at once: most of their time is that of requests.
N_PARALLEL = 8
#: Keys that a report names.
_N_EXAMPLES = 5

#: Told how many assets were done since it was told last.
OnAssets = Callable[[int], None]
_T = TypeVar("_T")


class _Pair(NamedTuple):
    """One object at both ends; None where it is not."""

    #: What follows the asset's prefix in both keys.
    name: str
    ours: ObjectHead | None
    theirs: ObjectHead | None


class ArtifactMover:
    """Copies and compares asset by asset, several at once; both are safe to repeat."""

    def __init__(self, source: End, target: End) -> None:
        self._source = source
        self._target = target

    def copy(self, on_assets: OnAssets, *, trusting: bool) -> None:
        """Bring every object to the target that is not there.

        Args:
            on_assets: see there.
            trusting: an object of the right size was brought by an earlier run, for a store shows
                all of an upload or nothing; else its bytes are read again.
        """

        def copy_asset(asset: AssetArtifacts) -> None:
            with self._scratch() as scratch:
                for pair in self._pairs(asset):
                    if pair.ours and not self._is_there(pair, scratch, trusting=trusting):
                        self._upload(asset, pair.name, pair.ours, scratch)

        for _ in self._each(copy_asset, on_assets):
            pass

    def check_source(self) -> None:
        """Refuse a home whose artifacts are elsewhere.

        Raises:
            ConfigurationError: rows name artifacts, but not one of the first assets has any here.
        """
        with self._source.database.read_scope() as session:
            for page in Holdings(session).assets():
                named = [asset for asset in page if asset.keys]
                if any(self._list(self._source, asset) for asset in named):
                    return
                if named:
                    raise ConfigurationError(
                        f"{self._source.settings.artifacts_dir} has no artifact of "
                        f"{len(named)} assets whose rows name some: were they kept in a bucket?"
                    )

    def compare(self, on_assets: OnAssets) -> ArtifactsReport:
        """Read all bytes at both ends."""

        def compare_asset(asset: AssetArtifacts) -> ArtifactsReport:
            with self._scratch() as scratch:
                pairs = self._pairs(asset)
                same = {pair.name for pair in pairs if self._is_there(pair, scratch)}
            return _report(asset, pairs, same)

        found = ArtifactsReport(n_target=0, bytes_target=0)
        for report in self._each(compare_asset, on_assets):
            found = _sum(found, report)
        return self._with_strangers(found)

    def count(self, on_assets: OnAssets) -> ArtifactsReport:
        """What would be copied; nothing is asked of the target."""

        def count_asset(asset: AssetArtifacts) -> ArtifactsReport:
            heads = self._list(self._source, asset)
            pairs = [_Pair(name, head, head) for name, head in heads.items()]
            return _report(asset, pairs, set(heads))

        found = ArtifactsReport()
        for report in self._each(count_asset, on_assets):
            found = _sum(found, report)
        return found.model_copy(update={"n_target": None, "bytes_target": None})

    def _each(self, work: Callable[[AssetArtifacts], _T], on_assets: OnAssets) -> Iterator[_T]:
        """Results for all assets; the first error ends it, after those that are under way."""
        with (
            self._source.database.read_scope() as session,
            ThreadPoolExecutor(N_PARALLEL, "artifacts") as pool,
        ):
            for page in Holdings(session).assets():
                for result in pool.map(work, page):
                    on_assets(1)
                    yield result

    def _pairs(self, asset: AssetArtifacts) -> list[_Pair]:
        """All objects of an asset; none, without a request, where the source has none."""
        ours = self._list(self._source, asset)
        if not ours:
            return []
        theirs = self._list(self._target, asset)
        names = sorted(ours.keys() | theirs.keys())
        return [_Pair(name, ours.get(name), theirs.get(name)) for name in names]

    def _list(self, end: End, asset: AssetArtifacts) -> dict[str, ObjectHead]:
        prefix = _prefix(end, asset)
        heads = end.artifacts.list(end.settings.artifact_bucket, prefix)
        return {head.ref.key.removeprefix(prefix): head for head in heads}

    def _is_there(self, pair: _Pair, scratch: Path, *, trusting: bool = False) -> bool:
        if pair.ours is None or pair.theirs is None:
            return False
        if pair.ours.size_bytes != pair.theirs.size_bytes:
            return False
        return trusting or (
            _sha256(self._source, pair.ours, scratch) == _sha256(self._target, pair.theirs, scratch)
        )

    def _upload(self, asset: AssetArtifacts, name: str, ours: ObjectHead, scratch: Path) -> None:
        path = scratch / "object"
        self._source.artifacts.download(ours, path, max_bytes=sys.maxsize)
        key = f"{_prefix(self._target, asset)}{name}"
        ref = ObjectRef(bucket=self._target.settings.artifact_bucket, key=key)
        self._target.artifacts.upload(path, ref)

    def _with_strangers(self, found: ArtifactsReport) -> ArtifactsReport:
        """Count what lies in the target beside the assets, too."""
        settings, n_objects, n_bytes = self._target.settings, 0, 0
        for head in self._target.artifacts.list(settings.artifact_bucket, settings.artifact_root):
            n_objects += 1
            n_bytes += head.size_bytes
        n_strangers = n_objects - (found.n_target or 0)
        counts = {"n_target": n_objects, "bytes_target": n_bytes}
        return found.model_copy(update={**counts, "n_extra": found.n_extra + n_strangers})

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder for one asset; what a killed run leaves is cleared with all scratch."""
        parent = self._source.settings.scratch_dir
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="migrate-", dir=parent) as folder:
            yield Path(folder)


def _prefix(end: End, asset: AssetArtifacts) -> str:
    return end.settings.artifact_prefix(asset.tenant, asset.asset_id)


def _sha256(end: End, head: ObjectHead, scratch: Path) -> bytes:
    path = scratch / "object"
    end.artifacts.download(head, path, max_bytes=sys.maxsize)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _report(asset: AssetArtifacts, pairs: list[_Pair], same: set[str]) -> ArtifactsReport:
    """One asset's objects, of which `same` are equal at both ends."""
    ours = [pair.ours for pair in pairs if pair.ours]
    theirs = [pair.theirs for pair in pairs if pair.theirs]
    missing = [pair.name for pair in pairs if pair.theirs is None]
    extra = [pair.name for pair in pairs if pair.ours is None]
    different = [p.name for p in pairs if p.ours and p.theirs and p.name not in same]
    lost = sorted(asset.keys - {head.ref.key for head in ours})
    own = f"{asset.tenant}/{asset.asset_id}/"
    return ArtifactsReport(
        n_source=len(ours),
        bytes_source=sum(head.size_bytes for head in ours),
        n_target=len(theirs),
        bytes_target=sum(head.size_bytes for head in theirs),
        n_missing=len(missing),
        n_extra=len(extra),
        n_different=len(different),
        n_lost=len(lost),
        examples=(*(f"{own}{name}" for name in (*missing, *extra, *different)), *lost),
    )


def _sum(a: ArtifactsReport, b: ArtifactsReport) -> ArtifactsReport:
    return ArtifactsReport(
        n_source=a.n_source + b.n_source,
        bytes_source=a.bytes_source + b.bytes_source,
        n_target=(a.n_target or 0) + (b.n_target or 0),
        bytes_target=(a.bytes_target or 0) + (b.bytes_target or 0),
        n_missing=a.n_missing + b.n_missing,
        n_extra=a.n_extra + b.n_extra,
        n_different=a.n_different + b.n_different,
        n_lost=a.n_lost + b.n_lost,
        examples=(*a.examples, *b.examples)[:_N_EXAMPLES],
    )
