"""The HTTP interface: search and assets under `/v1`, health beside it, errors as problem+json."""

import base64
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Protocol, Self
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import (
    Base64Encoder,
    BaseModel,
    ConfigDict,
    EncodedBytes,
    Field,
    model_validator,
)
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.asset import AssetId
from schemas.errors import MediaTooLarge, PermanentError, TransientError
from schemas.reports import AssetDetails
from schemas.search import Answer, Filter, Query

#: (tenant, asset) -> all that is known of it.
FindDetails = Callable[[str, AssetId], AssetDetails | None]

#: Places of other modules, with their own authorisation.
Routers = Sequence[APIRouter]

#: Largest request body: base64 of a 24 MiB image or sound, or of both together.
MAX_BODY_BYTES = 32 << 20

#: Files are streamed to disk there, up to a limit of their own.
_OWN_LIMIT = "/v1/objects/"

#: A question, not a document; models read a few hundred words at most.
MAX_TEXT_CHARS = 10_000


class Search(Protocol):
    """Answers queries; `orchestrator.search.query.Searcher` does."""

    def search(self, query: Query, tenant: str) -> Answer:
        """Find the moments that answer, best first."""


class StrictBase64(Base64Encoder):
    """Refuses characters outside the alphabet; Pydantic's own encoder skips them."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        """Decode a request field.

        Raises:
            ValueError: it is no base64.
        """
        return base64.b64decode(data, validate=True)


#: A file in a JSON field.
FileBytes = Annotated[bytes, EncodedBytes(encoder=StrictBase64)]


class SearchRequest(BaseModel):
    """What to look for: at least one of text, image and audio."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    #: Image and audio files, base64.
    image: FileBytes | None = None
    audio: FileBytes | None = None
    #: Weight of the image against the text when both are given.
    weight_image: float = Field(default=0.5, ge=0.0, le=1.0)
    filter: Filter = Filter()
    limit: int = Field(default=10, ge=1, le=1000)

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.text and self.text.strip()) and not self.image and not self.audio:
            raise ValueError("nothing to look for: give text, image or audio")
        return self

    def query(self) -> Query:
        """The same in the searcher's terms."""
        return Query(**{name: getattr(self, name) for name in SearchRequest.model_fields})


def create_app(
    searcher: Search,
    find_details: FindDetails,
    *,
    ready: Callable[[], Mapping[str, str]],
    tenant: str,
    routers: Routers = (),
) -> FastAPI:
    """Build the application.

    Args:
        searcher: answers `/v1/search`.
        find_details: answers `/v1/assets/{asset_id}`; None if the tenant has no such asset.
        ready: asks the outside systems and returns what answered, by name; raises
            `TransientError` while one of them does not.
        tenant: whose media all requests see.
        routers: places of other modules, with their own authorisation.
    """
    app = FastAPI(title="Sluice", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    _answer_errors(app)
    for router in routers:
        app.include_router(router)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> dict[str, Any]:
        """The systems that requests need answer."""
        return {"status": "ok", "systems": dict(ready())}

    @app.post("/v1/search")
    def search(request: SearchRequest) -> Answer:
        """Find the page, the region or the second that answers."""
        return searcher.search(request.query(), tenant)

    @app.get("/v1/assets/{asset_id}")
    def show_asset(asset_id: UUID) -> AssetDetails:
        """Facts, stages, segments and failures of an asset."""
        details = find_details(tenant, AssetId(asset_id))
        if details is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"no asset {asset_id}")
        return details

    return app


class BodyLimit:
    """Refuses to read more of a request body than a limit, whatever its headers claim.

    The framework's own limit answers in plain text where our errors are problem+json.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope.get("path", "").startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        n_bytes = 0

        async def counted() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._max_bytes:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"body is larger than {self._max_bytes} bytes",
                )
            return message

        await self._app(scope, counted, send)


def _answer_errors(app: FastAPI) -> None:
    """Every error becomes a problem document (RFC 9457)."""

    @app.exception_handler(HTTPException)
    def _refused(_request: Request, exc: HTTPException) -> JSONResponse:
        return _problem(exc.status_code, str(exc.detail), headers=exc.headers)

    @app.exception_handler(RequestValidationError)
    def _misshapen(_request: Request, exc: RequestValidationError) -> JSONResponse:
        # Only place and reason: the input itself may be megabytes of base64.
        errors = [
            {"pointer": "#/" + "/".join(map(str, error["loc"][1:])), "detail": error["msg"]}
            for error in exc.errors()
        ]
        detail = "; ".join(f"{error['pointer']}: {error['detail']}" for error in errors)
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)

    @app.exception_handler(PermanentError)
    def _unreadable(_request: Request, exc: PermanentError) -> JSONResponse:
        too_large = isinstance(exc, MediaTooLarge)
        status = (
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.UNPROCESSABLE_ENTITY
        )
        return _problem(status, f"{type(exc).__name__}: {exc}")

    @app.exception_handler(TransientError)
    def _unavailable(_request: Request, exc: TransientError) -> JSONResponse:
        headers = {"Retry-After": "1"}
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{type(exc).__name__}: {exc}", headers)

    @app.exception_handler(Exception)
    def _defect(_request: Request, _exc: Exception) -> JSONResponse:
        # The server logs the traceback; what it says is none of the caller's business.
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours; see the log")


def _problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse(
        {**body, "detail": detail, **more},
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )
