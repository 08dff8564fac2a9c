"""The ClearML API, through the SDK's own session: credentials, tokens and retries are its work.

Everything that the control tooling asks of a server goes through :class:`Api`, so that a server
that is away or refuses is told in one way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import requests

from fleet.errors import FleetError
from fleet.paths import STATE, local_fleet_dir
from fleet.proxies import bypass

_PAGE = 500
_PING_SECONDS = 5
# Each goes before the configuration file for the SDK.
_SERVER_VARIABLES = tuple(
    f"{prefix}_{part}"
    for prefix in ("CLEARML", "TRAINS")
    for part in ("API_", "FILES_HOST", "WEB_HOST", "AUTH_TOKEN", "CONFIG_FILE")
)


class ApiError(FleetError):
    """The server refused a call.

    Attributes
    ----------
    code, subcode : int
        As in the answer's `meta`: 400 and 701 for an unknown queue, for example.
    """

    def __init__(self, endpoint: str, code: int, subcode: int, message: str, server: str) -> None:
        super().__init__(
            f"the server refused {endpoint}: {message} ({code}/{subcode})",
            where=server,
            mend="see whether the task, queue or project still exists",
        )
        self.code = code
        self.subcode = subcode


class Api:
    """A connection to a ClearML server.

    Parameters
    ----------
    session : clearml.backend_api.Session
        A session that has logged in.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    @property
    def url(self) -> str:
        """Address of the API server."""
        return self._session.host

    @property
    def files_url(self) -> str:
        """Address of the file server."""
        return self._session.get_files_server_host(config=self._session.config)

    def call(self, endpoint: str, **body: Any) -> dict[str, Any]:
        """Call `service.action` and give the `data` of the answer.

        Raises
        ------
        ApiError
            The server refused.
        FleetError
            The server did not answer.
        """
        service, action = endpoint.split(".", 1)
        try:
            response = self._session.send_request(service, action, method="post", json=body)
            answer = response.json()
        except (requests.RequestException, ValueError) as error:
            raise _away(self.url, error) from error
        meta = answer.get("meta", {})
        if meta.get("result_code") != requests.codes.ok:
            raise ApiError(
                endpoint,
                meta.get("result_code", response.status_code),
                meta.get("result_subcode", 0),
                meta.get("result_msg", "no message"),
                self.url,
            )
        return answer["data"]

    def now(self) -> datetime:
        """The server's own time, to the second; the clock of this machine need not be right.

        Raises
        ------
        FleetError
            The server did not answer, or does not say.
        """
        try:
            said = requests.get(f"{self.url}/debug.ping", timeout=_PING_SECONDS).headers["Date"]
        except (requests.RequestException, KeyError) as error:
            raise _away(self.url, error) from error
        return parsedate_to_datetime(said)

    def tasks(self, **query: Any) -> list[dict[str, Any]]:
        """All tasks that match a query of `tasks.get_all`, page after page."""
        return list(self._pages("tasks.get_all", "tasks", query))

    def queues(self) -> list[dict[str, Any]]:
        """All queues: `id`, `name`, `entries`."""
        return list(self._pages("queues.get_all", "queues", {}))

    def _pages(self, endpoint: str, key: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        page = 0
        while True:
            found = self.call(endpoint, page=page, page_size=_PAGE, **query)[key]
            yield from found
            if len(found) < _PAGE:
                return
            page += 1


def check_private(config_file: str | Path) -> None:
    """See that nobody else reads the credentials.

    Raises
    ------
    FleetError
        The file is there, and its mode lets others read it.
    """
    path = Path(config_file).expanduser()
    if path.is_file() and path.stat().st_mode & 0o077:
        raise FleetError(
            "others may read the credentials of the ClearML server",
            where=str(path),
            mend=f"chmod 0600 {path}",
        )


def connect(config_file: str | Path | None = None) -> Api:
    """Connect as the given `clearml.conf` says.

    Parameters
    ----------
    config_file : path, optional
        By default `CLEARML_CONFIG_FILE`, the `CLEARML_API_*` variables, the local fleet's own
        file, and the user's `~/clearml.conf`, the first of them that there is.

    Raises
    ------
    FleetError
        No configuration, a server that is away, or one that refuses the credentials.
    """
    path = _config_file(config_file)
    if path:
        _use(path)
    # The SDK reads its configuration when it is imported: only now does the variable say which.
    from clearml.backend_api import Session
    from clearml.backend_api.session.defs import MissingConfigError

    host = Session.get_api_server_host()
    if path and STATE in path.resolve().parents:
        # A local fleet is on this machine, whatever proxy leads out of it.
        bypass([str(urlparse(host).hostname)])
    _ping(host)
    try:
        session = Session(http_retries_config={"total": 5, "connect": 3, "backoff_factor": 0.3})
    except MissingConfigError:
        raise _not_configured() from None
    except requests.RequestException as error:
        raise _away(host, error) from error
    except Exception as error:  # the SDK raises several classes here, LoginError among them
        raise FleetError(
            f"the server does not accept the credentials: {error}",
            where=str(path or host),
            mend="create credentials in ClearML's settings and put them into that file",
        ) from error
    return Api(session)


def _config_file(given: str | Path | None) -> Path | None:
    if given or "CLEARML_CONFIG_FILE" in os.environ:
        path = Path(given or os.environ["CLEARML_CONFIG_FILE"]).expanduser()
        if not path.is_file():
            raise FleetError(
                "the ClearML configuration file does not exist",
                where=str(path),
                mend="correct the path (CLEARML_CONFIG_FILE), or unset it",
            )
        return path
    if "CLEARML_API_HOST" in os.environ:
        return None
    for path in (local_fleet_dir() / "server" / "clearml.conf", Path.home() / "clearml.conf"):
        if path.is_file():
            return path
    raise _not_configured()


def _use(path: Path) -> None:
    """Have the SDK read this file and nothing that the environment says of another server."""
    for name in list(os.environ):
        if name.startswith(_SERVER_VARIABLES):
            del os.environ[name]
    os.environ["CLEARML_CONFIG_FILE"] = str(path)


def _not_configured() -> FleetError:
    return FleetError(
        "no ClearML server is configured",
        where="CLEARML_CONFIG_FILE",
        mend="start the local fleet with `make up`, or set CLEARML_CONFIG_FILE to a clearml.conf",
    )


def _ping(host: str) -> None:
    """Ask once, with a short limit: the session itself would retry for minutes."""
    try:
        requests.get(f"{host}/debug.ping", timeout=_PING_SECONDS)
    except requests.RequestException as error:
        raise _away(host, error) from error


def _away(host: str, error: Exception) -> FleetError:
    return FleetError(
        f"the ClearML server does not answer: {_reason(error)}",
        where=host,
        mend="start it (`make up` for the local fleet), or correct api_server in clearml.conf",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "connection refused or no route to it"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
