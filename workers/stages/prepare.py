"""`prepare`: decodes an object in the sandbox into artifacts, facts and text."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.sandbox import Sandbox
from infra.settings import MediaLimits
from schemas.errors import EncryptedMedia
from workers.device import Device
from workers.media.read import read_object
from workers.stage import Item, Prepared, Source, Stage, StageContext


class Prepare(Stage):
    """Runs the readers of `workers.media` on untrusted bytes, several objects at a time.

    An output of `forward` is what the reader returned or the exception that it raised, so that
    one bad object costs its neighbours nothing; `postprocess` raises the exception where the
    runner blames it on the right job.
    """

    def __init__(self, context: StageContext) -> None:
        super().__init__(context)
        assert context.sandbox is not None
        assert context.limits is not None
        self._sandbox: Sandbox = context.sandbox
        self._limits: MediaLimits = context.limits
        self._passwords = tuple(context.passwords)

    def load(self, device: Device) -> None:
        """Nothing to load: the sandbox starts its children when they are needed."""

    def preprocess(self, source: Source) -> Iterator[Item]:
        """One item per object; large objects are run together, as they take longest."""
        assert source.path is not None
        length = float(source.path.stat().st_size)
        yield Item(source=source, payload=source.path.relative_to(source.scratch), length=length)

    def forward(self, items: Sequence[Item]) -> Sequence[Prepared | BaseException]:
        """Decode in the children; the sandbox bounds how many run at once."""
        with ThreadPoolExecutor(len(items), "prepare") as threads:
            calls = [threads.submit(self._decode, item) for item in items]
            return [call.exception() or call.result() for call in calls]

    def _decode(self, item: Item) -> Prepared:
        source = item.source
        args = (item.payload, source.ref.name, Path(), self._limits, source.depth)
        try:
            prepared = self._read(source, *args)
        except EncryptedMedia:
            if not self._passwords:
                raise
            # Only a child that reads something locked is told the keys.
            prepared = self._read(source, *args, self._passwords)
        # Only the names: a child that was taken over must not choose a directory.
        artifacts = [replace(a, path=source.scratch / a.path.name) for a in prepared.artifacts]
        members = [replace(m, path=source.scratch / m.path.name) for m in prepared.members]
        return replace(prepared, artifacts=artifacts, members=members)

    def _read(self, source: Source, *args: Any) -> Prepared:
        prepared: Prepared = self._sandbox.run(read_object, *args, scratch=source.scratch)
        return prepared

    def postprocess(self, item: Item, output: Prepared | BaseException) -> Iterator[Prepared]:
        """The result of one object.

        Raises:
            IngestError: what the reader or the sandbox raised.
        """
        del item
        if isinstance(output, BaseException):
            raise output
        yield output
