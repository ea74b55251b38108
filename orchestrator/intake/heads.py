"""HEAD of many keys at once: a store answers in milliseconds, a thousand in turn take seconds."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from infra.object_store import ObjectStore
from schemas.asset import ObjectHead, ObjectRef
from schemas.errors import ObjectNotFound, TransientError

#: What a store says of a key.
Answer = ObjectHead | ObjectNotFound | TransientError

#: Requests under way; half of the connections that one S3 client keeps.
_N_THREADS = 16


def ask(objects: ObjectStore, refs: Collection[ObjectRef]) -> dict[ObjectRef, Answer]:
    """What the store holds under each key now.

    Raises:
        ConfigurationError: the store refuses us; no key is to blame.
    """

    def head(ref: ObjectRef) -> Answer:
        try:
            return objects.head(ref)
        except (ObjectNotFound, TransientError) as exc:
            return exc

    if len(refs) == 1:
        return {ref: head(ref) for ref in refs}
    with ThreadPoolExecutor(_N_THREADS, thread_name_prefix="head") as threads:
        return dict(zip(refs, threads.map(head, refs), strict=True))
