"""debug: whether the server answers."""

from __future__ import annotations

from typing import Any

from fleet.server.registry import Call, endpoint


@endpoint("debug.ping", anonymous=True)
def ping(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """It does."""
    return {"msg": "pong"}


@endpoint("debug.echo")
def echo(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """What was sent."""
    return data
