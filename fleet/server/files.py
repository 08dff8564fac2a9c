"""The file store over HTTP: upload, download with ranges, deletion, all below one folder."""

from __future__ import annotations

import logging
import mimetypes
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fleet.server.errors import ApiError, unauthorized
from fleet.server.multipart import MultipartError, Part, boundary_of, parts
from fleet.server.store import Store

logger = logging.getLogger("fleet.server")

_BLOCK = 1024 * 1024  # bytes gathered before they go to the disk
_UPLOADING = ".uploading"


def files_app(store: Store) -> Starlette:
    """The application that keeps files below the store's files folder."""
    root = store.settings.files

    async def home(request: Request) -> Response:
        if request.method == "GET":
            return PlainTextResponse("fleet file server\n")
        return await _guarded(store, request, _upload, root)

    async def file(request: Request) -> Response:
        if request.method in ("POST", "PUT"):
            return await _guarded(store, request, _upload, root)
        if request.method == "DELETE":
            return await _guarded(store, request, _delete, root)
        return await _guarded(store, request, _download, root)

    return Starlette(
        routes=[
            Route("/", home, methods=["GET", "POST"]),
            Route("/{path:path}", file, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )


def remove_unfinished(root: Path) -> None:
    """Remove what uploads left behind that a stop of the server cut off."""
    for path in (root / _UPLOADING).glob("*"):
        path.unlink()


async def _guarded(store: Store, request: Request, work, root: Path) -> Response:
    try:
        store.authority.check_token(_token(request))
        return await work(request, root)
    except ApiError as error:
        return PlainTextResponse(f"{error.message}\n", status_code=error.code)
    except MultipartError as error:
        return PlainTextResponse(f"Bad upload: {error}\n", status_code=400)
    except ClientDisconnect:
        return Response(status_code=400)
    except OSError as error:
        logger.error("%s %s: %s", request.method, request.url.path, error)
        return PlainTextResponse(f"{os.strerror(error.errno or 0)}\n", status_code=507)


def _token(request: Request) -> str:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    for name, cookie in request.cookies.items():
        if "token" in name:
            return cookie
    if request.query_params.get("token"):
        return request.query_params["token"]
    raise unauthorized(20, "missing credentials")


async def _upload(request: Request, root: Path) -> Response:
    """Store each file of a multipart body under its file name, or a plain body under the path."""
    stream = request.stream()
    if request.method == "PUT":
        name = request.path_params["path"]
        await _store(root, _inside(root, name), stream)
        return JSONResponse([name])
    stored = []
    async for part in parts(stream, boundary_of(request.headers.get("content-type", ""))):
        if part.filename is None:
            continue
        stored.append(await _store_part(request, root, part))
    return JSONResponse(stored)


async def _store_part(request: Request, root: Path, part: Part) -> str:
    folder = request.path_params.get("path", "")
    name = f"{folder}/{part.filename}".strip("/")
    await _store(root, _inside(root, name), part.data)
    return name


async def _store(root: Path, target: Path, data: AsyncIterator[bytes]) -> None:
    # Readers see the old file or the whole new one, never a part of it.
    unfinished = root / _UPLOADING / secrets.token_hex(8)
    try:
        await to_thread.run_sync(_make_folders, unfinished.parent, target.parent)
        with unfinished.open("wb") as file:
            block = bytearray()
            async for chunk in data:
                block += chunk
                if len(block) >= _BLOCK:
                    await to_thread.run_sync(file.write, block)
                    block = bytearray()
            await to_thread.run_sync(file.write, block)
        # A deletion may have taken the folder, empty until now, while the file came in. No other
        # request is served between these two.
        _make_folders(target.parent)
        unfinished.replace(target)
    except IsADirectoryError:
        raise ApiError(409, 0, "There is a folder of that name") from None
    except (FileExistsError, NotADirectoryError):
        raise ApiError(409, 0, "A file stands where a folder is needed") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)


async def _download(request: Request, root: Path) -> Response:
    path = _inside(root, request.path_params["path"])
    if not await to_thread.run_sync(path.is_file):
        raise ApiError(404, 0, "No such file")
    try:
        return _OpenFileResponse(path)
    except FileNotFoundError:
        raise ApiError(404, 0, "No such file") from None


class _OpenFileResponse(FileResponse):
    """A file as it was when it was asked for, even if another takes its place meanwhile.

    The plain response looks at a path's length and then opens it: a file that is replaced in
    between is cut short, or longer than was announced.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        super().__init__(
            f"/proc/self/fd/{self._descriptor}",
            media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            stat_result=os.fstat(self._descriptor),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


async def _delete(request: Request, root: Path) -> Response:
    path = _inside(root, request.path_params["path"])
    if not await to_thread.run_sync(path.is_file):
        raise ApiError(404, 0, "No such file")
    path.unlink()
    _remove_empty(path.parent, root)
    return PlainTextResponse("deleted\n")


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _inside(root: Path, name: str) -> Path:
    """The path of a file below the root; ApiError for a name that leads out of it."""
    segments = [segment for segment in name.split("/") if segment not in ("", ".")]
    forbidden = not segments or segments[0] == _UPLOADING or "\0" in name or "\\" in name
    if forbidden or ".." in segments or ".." in unquote(name).split("/"):
        raise ApiError(400, 0, "Not a path of this file server")
    path = root.joinpath(*segments)
    if not path.resolve().is_relative_to(root.resolve()):
        raise ApiError(400, 0, "Not a path of this file server")
    return path
