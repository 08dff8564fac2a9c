"""Running the server: two listening sockets, one event loop, one data folder."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from fleet.errors import FleetError
from fleet.server.app import api_app
from fleet.server.bootstrap import DataFolder, prepare
from fleet.server.files import files_app, remove_unfinished
from fleet.server.settings import Limits, Settings
from fleet.server.store import Store
from fleet.server.watchdog import watch

# Agents poll every few seconds; their connections stay open in between.
_KEEP_ALIVE = 75
_GRACE = 5  # seconds for running requests when the server stops


def serve(
    data: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8008,
    files_port: int = 8081,
    api_url: str | None = None,
    files_url: str | None = None,
    limits: Limits | None = None,
    announce: Callable[[Settings], None] = lambda settings: None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    data : Path
        The data folder.
    host : str
        The address to listen on.
    port, files_port : int
        Of the API and of the file store; 0 takes a free one.
    api_url, files_url : str, optional
        The addresses that clients use, when they differ from those it listens on.
    limits : Limits, optional
        Times and sizes.
    announce : callable
        Called with the settings when the server answers.

    Raises
    ------
    FleetError
        A port is in use, the address is not of this machine, or the folder cannot be used.
    """
    # Ports come first: when one is taken, nothing has been made.
    with contextlib.ExitStack() as stack:
        api_socket = stack.enter_context(_listen(host, port, "--port"))
        files_socket = stack.enter_context(_listen(host, files_port, "--files-port"))
        os.umask(0o077)
        folder = DataFolder(data)
        stack.callback(folder.release)
        settings = Settings(
            data=data.absolute(),
            api_url=(api_url or _url(host, api_socket)).rstrip("/"),
            files_url=(files_url or _url(host, files_socket)).rstrip("/"),
            limits=limits or Limits(),
        )
        settings.files.mkdir(exist_ok=True)
        remove_unfinished(settings.files)
        store = Store(settings)
        stack.callback(store.close)
        prepare(store)
        asyncio.run(_run(store, api_socket, files_socket, announce))


async def _run(
    store: Store,
    api_socket: socket.socket,
    files_socket: socket.socket,
    announce: Callable[[Settings], None],
) -> None:
    servers = [_Server(_config(api_app(store))), _Server(_config(files_app(store)))]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watchdog = asyncio.create_task(watch(store))
    running = [
        asyncio.create_task(server.serve(sockets=[listening]))
        for server, listening in zip(servers, (api_socket, files_socket), strict=True)
    ]
    while not all(server.started for server in servers) and not any(r.done() for r in running):
        await asyncio.sleep(0.01)
    announce(store.settings)
    await asyncio.gather(*running)
    watchdog.cancel()


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us: there are two in one process."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_level=logging.WARNING,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
    )


def _listen(host: str, port: int, option: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Only a listening socket tells whether somebody else listens there.
        listening.listen(1024)
    except OSError as error:
        raise _cannot_listen(error, host, port, option) from None
    listening.setblocking(False)
    return listening


def _cannot_listen(error: OSError, host: str, port: int, option: str) -> FleetError:
    what = f"cannot listen: {error.strerror or error}"
    mend = "give --host an address of this machine"
    if error.errno == errno.EADDRINUSE:
        what = "the port is in use"
        mend = f"stop what listens there, or choose another port with {option}"
    elif error.errno == errno.EACCES:
        what = "listening on this port is not allowed"
        mend = f"choose a port above 1023 with {option}"
    return FleetError(what, where=f"{host}:{port}", mend=mend)


def _url(host: str, listening: socket.socket) -> str:
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
