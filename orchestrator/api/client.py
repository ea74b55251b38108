"""Asks a running `sluice up`; for commands that find the embedded store open elsewhere."""

import base64

import httpx
from pydantic import ValidationError

from schemas.errors import IngestError
from schemas.search import Answer, Query

_TIMEOUT_S = 60.0


class Unreachable(Exception):
    """Nothing answers at the address, or something else than Sluice."""


def ask(url: str, query: Query) -> Answer:
    """Search through the API.

    Raises:
        Unreachable: nothing of ours answers there.
        IngestError: the API refused; carries its reason.
    """
    body = query.model_dump(mode="json", exclude={"image", "audio"}, exclude_none=True)
    for name, data in (("image", query.image), ("audio", query.audio)):
        if data is not None:
            body[name] = base64.b64encode(data).decode()
    try:
        response = httpx.post(f"{url}/v1/search", json=body, timeout=_TIMEOUT_S)
    except (httpx.TransportError, httpx.InvalidURL) as exc:
        raise Unreachable(str(exc)) from exc
    if response.headers.get("content-type") == "application/problem+json":
        raise IngestError(response.json()["detail"])
    try:
        return Answer.model_validate_json(response.content)
    except ValidationError as exc:
        raise Unreachable(f"{url}: found something else than Sluice's API") from exc
