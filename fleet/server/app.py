"""The API over HTTP: from a request to the endpoint that answers it, in ClearML's envelope."""

from __future__ import annotations

import json
import logging
import math
import re
import secrets
import zlib
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fleet.server import services
from fleet.server.documents import dumps
from fleet.server.errors import ApiError, invalid_field, unknown_endpoint
from fleet.server.registry import ENDPOINTS, Call, Endpoint
from fleet.server.settings import API_VERSION
from fleet.server.store import Store

logger = logging.getLogger("fleet.server")

_PATH = re.compile(r"^/(?:api/)?(?:v(?P<version>[\d.]+)/)?(?P<name>\w+\.\w+)$")
_METHODS = ["GET", "POST", "PUT"]
_PAGE = """<!doctype html><title>fleet server</title>
<p>The embedded ClearML server. API: {api}, files: {files}. It has no web interface.</p>"""


def api_app(store: Store) -> Starlette:
    """The application that answers API calls on a store."""
    assert services.__all__, "the services declare the endpoints"

    async def call(request: Request) -> Response:
        return await _answer(store, request)

    async def home(request: Request) -> Response:
        settings = store.settings
        return HTMLResponse(_PAGE.format(api=settings.api_url, files=settings.files_url))

    return Starlette(
        routes=[
            Route("/", home, methods=["GET"]),
            Route("/{path:path}", call, methods=_METHODS),
        ]
    )


async def _answer(store: Store, request: Request) -> Response:
    match = _PATH.match(request.url.path)
    name = match["name"] if match else request.url.path.lstrip("/")
    version = match["version"] if match else None
    try:
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            raise unknown_endpoint(name)
        data = _run(store, endpoint, request, await _body(store, request))
        return _envelope(name, version, 200, 0, "OK", data)
    except ApiError as error:
        store.database.rollback()
        return _envelope(name, version, error.code, error.subcode, error.message, {})
    except (OverflowError, UnicodeEncodeError) as error:
        # A number or a text of the request that the database cannot hold.
        store.database.rollback()
        message = f"Validation error (a value cannot be stored: {error})"
        return _envelope(name, version, 400, 12, message, {})
    except ClientDisconnect:
        store.database.rollback()
        return Response(status_code=400)
    except Exception as error:
        store.database.rollback()
        logger.exception("%s failed", name)
        message = f"General server error ({type(error).__name__})"
        return _envelope(name, version, 500, 0, message, {})


def _run(store: Store, endpoint: Endpoint, request: Request, body: bytes) -> dict[str, Any]:
    # From here to the commit nothing is awaited, so that calls never see each other's halves.
    authorization = request.headers.get("authorization")
    identity = None if endpoint.anonymous else store.authority.check_header(authorization)
    batched = request.headers.get("content-type", "").startswith("application/json-lines")
    call = Call(
        store=store,
        identity=identity,
        address=request.client.host if request.client else "",
        authorization=authorization,
        batch=_lines(body) if batched else None,
    )
    data = _parsed(request, b"" if batched else body)
    endpoint.check(data)
    answer = endpoint.handler(call, data) or {}
    store.database.commit()
    return answer


async def _body(store: Store, request: Request) -> bytes:
    limit = store.settings.limits.body_bytes
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ApiError(413, 0, f"Request is larger than {limit} bytes")
        chunks.append(chunk)
    body = b"".join(chunks)
    if request.headers.get("content-encoding") == "gzip":
        return _decompressed(body, limit)
    return body


def _decompressed(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        result = stream.decompress(body, limit)
    except zlib.error as error:
        raise invalid_field("body", f"not gzip: {error}") from None
    if stream.unconsumed_tail:
        raise ApiError(413, 0, f"Request is larger than {limit} bytes")
    return result


def _parsed(request: Request, body: bytes) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key in request.query_params:
        values = request.query_params.getlist(key)
        data[key] = values[0] if len(values) == 1 else values
    if not body.strip():
        return data
    value = _json(body)
    if not isinstance(value, dict):
        raise invalid_field("body", "not a JSON object")
    return {**data, **value}


def _lines(body: bytes) -> list[Any]:
    return [_json(line) for line in body.splitlines() if line.strip()]


def _json(text: bytes) -> Any:
    # Clients send NaN and infinity as Python writes them; JSON has none, so they become null.
    try:
        return json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise invalid_field("body", "not valid JSON") from None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _envelope(
    name: str, version: str | None, code: int, subcode: int, message: str, data: dict[str, Any]
) -> Response:
    call_id = secrets.token_hex(16)
    meta = {
        "id": call_id,
        "trx": call_id,
        "endpoint": {
            "name": name,
            "requested_version": version or API_VERSION,
            "actual_version": version or API_VERSION,
        },
        "result_code": code,
        "result_subcode": subcode,
        "result_msg": message,
        "error_stack": "",
        "error_data": {},
    }
    body = dumps({"meta": meta, "data": data}).encode("utf-8", "surrogatepass")
    return Response(body, status_code=code, media_type="application/json")
