"""Bucket events over HTTP: `POST /v1/events`, as RustFS, MinIO, Ceph RGW and SeaweedFS send them.

200 is said after the commit, never before: the sender forgets what it was thanked for.
"""

import base64
import binascii
import hmac
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from orchestrator.intake.receiver import Receiver, Verdict

#: A thousand records of keys of 1024 bytes, each byte escaped, fit.
MAX_BODY_BYTES = 6 << 20
_RETRY_AFTER_S = 10


def create_router(receiver: Receiver, token: str) -> APIRouter:
    """The route.

    Args:
        receiver: takes the messages.
        token: whoever sends it may send events. As `Authorization: Bearer TOKEN`, or as the
            password of `https://events:TOKEN@host/...` for senders that cannot set headers.

    Raises:
        ValueError: the token is empty, which would let everyone in.
    """
    if not token:
        raise ValueError("an empty token would let everyone send events")
    router = APIRouter()

    @router.post("/v1/events")
    async def take_events(request: Request) -> dict[str, Any]:
        """Take one notification of a bucket, in the shape of any known server."""
        _authorise(request.headers.get("authorization", ""), token)
        body = await _read(request)
        (verdict,) = await run_in_threadpool(receiver.receive, [body])
        _answer(verdict)
        return {"status": "taken"}

    return router


def _authorise(header: str, token: str) -> None:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "basic":
        credentials = _password(credentials)
    if not hmac.compare_digest(credentials.strip().encode(), token.encode()):
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED,
            "expected the bearer token of SLUICE_WEBHOOK_TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _password(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]


async def _read(request: Request) -> bytes:
    """The body, counted while it comes in: its length is only a claim."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body is larger than {MAX_BODY_BYTES} bytes"
            )
    return bytes(body)


def _answer(verdict: Verdict) -> None:
    """Refuse what was not taken, so that the sender keeps it."""
    if verdict is Verdict.MALFORMED:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, "expected a notification of a bucket; see the log"
        )
    if verdict is Verdict.UNANSWERED:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not all objects could be looked at; send it again",
            headers={"Retry-After": str(_RETRY_AFTER_S)},
        )
