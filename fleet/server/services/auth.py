"""auth: logging in and looking at tokens."""

from __future__ import annotations

from typing import Any

from fleet.server.errors import ApiError, invalid_field
from fleet.server.registry import Call, endpoint


@endpoint("auth.login", anonymous=True)
def login(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """A token for a key and secret (Basic), or a fresh one for a token that is still valid."""
    identity = call.store.authority.check_header(call.authorization)
    lifetime = data.get("expiration_sec")
    try:
        lifetime = int(lifetime) if lifetime else None
    except (TypeError, ValueError):
        raise invalid_field("expiration_sec", "not a number") from None
    if lifetime is not None and lifetime <= 0:
        raise invalid_field("expiration_sec", "not a positive number")
    return {"token": call.store.authority.issue(identity, lifetime)}


@endpoint("auth.logout")
def logout(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Tokens are not kept, so that there is nothing to end."""
    return {}


@endpoint("auth.validate_token", token=str)
def validate_token(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Whether a token is valid, and whose it is."""
    try:
        identity = call.store.authority.check_token(data["token"])
    except ApiError as error:
        return {"valid": False, "msg": error.message}
    return {"valid": True, "user": identity.user, "company": identity.company}
