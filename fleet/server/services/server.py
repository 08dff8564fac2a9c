"""server: what this server is."""

from __future__ import annotations

from typing import Any

from fleet.server.registry import ENDPOINTS, Call, endpoint
from fleet.server.settings import API_VERSION, SERVER_VERSION


@endpoint("server.info")
def info(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The version that clients may count on."""
    return {"version": SERVER_VERSION, "build": "fleet", "commit": "", "api_version": API_VERSION}


@endpoint("server.config")
def config(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The addresses that clients use."""
    settings = call.store.settings
    return {"api_server": settings.api_url, "files_server": settings.files_url}


@endpoint("server.endpoints")
def endpoints(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The endpoints that there are."""
    return {"endpoints": [{"name": name} for name in sorted(ENDPOINTS)]}


@endpoint("server.get_stats")
def get_stats(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """How many tasks there are in each status."""
    rows = call.store.database.all("SELECT status, COUNT(*) FROM tasks GROUP BY status")
    return {"tasks": dict(rows)}
