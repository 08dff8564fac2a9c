"""users: who is there."""

from __future__ import annotations

from typing import Any

from fleet.server.auth import COMPANY_ID, COMPANY_NAME
from fleet.server.documents import Document
from fleet.server.errors import ApiError
from fleet.server.registry import Call, endpoint
from fleet.server.services.common import get_all


@endpoint("users.get_current_user")
def get_current_user(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The user whose token the call carries."""
    user = _described(call.store.users.get(call.identity.user))
    user["company"] = {"id": COMPANY_ID, "name": COMPANY_NAME}
    return {"user": user, "settings": {}}


@endpoint("users.get_all")
def get_all_users(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The users."""
    users, more = get_all(call.store.users, data)
    return {"users": users, **more}


@endpoint("users.get_all_ex")
def get_all_ex(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """The users."""
    return get_all_users(call, data)


@endpoint("users.get_by_id", user=str)
def get_by_id(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """One user."""
    user = call.store.users.get(data["user"])
    if user is None:
        raise ApiError(400, 301, f"Invalid user id: {data['user']}")
    return {"user": _described(user)}


@endpoint("users.get_preferences")
def get_preferences(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Nobody has preferences here: they belong to a web interface."""
    return {"preferences": {}}


def _described(user: Document) -> Document:
    given, _, family = user["name"].partition(" ")
    return {**user, "given_name": given, "family_name": family}
