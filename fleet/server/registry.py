"""The endpoints, as the service modules declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.server.auth import Identity
from fleet.server.errors import invalid_field, missing_field
from fleet.server.shapes import check_request
from fleet.server.store import Store


@dataclass(slots=True)
class Call:
    """One call: who makes it, from where, and what it works on."""

    store: Store
    identity: Identity | None
    address: str = ""
    authorization: str | None = None
    batch: list[dict[str, Any]] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call, dict[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An action of a service.

    Parameters
    ----------
    name : str
        `service.action`.
    handler : callable
        Takes the call and the request's data, gives the answer's data.
    required : mapping of str to type
        Fields that a request must have, and their types.
    anonymous : bool
        Whether a call needs no token.
    """

    name: str
    handler: Handler
    required: Mapping[str, type | tuple[type, ...]]
    anonymous: bool

    def check(self, data: dict[str, Any]) -> None:
        """Refuse a request that lacks a required field or has a field of a wrong type."""
        for name, kind in self.required.items():
            value = data.get(name)
            if value is None:
                raise missing_field(name)
            if not isinstance(value, kind):
                raise invalid_field(name, f"{value!r} has the wrong type")
        check_request(self.name, data)


ENDPOINTS: dict[str, Endpoint] = {}


def endpoint(
    name: str, /, *, anonymous: bool = False, **required: type | tuple[type, ...]
) -> Callable[[Handler], Handler]:
    """Declare the function that answers `service.action`.

    Parameters
    ----------
    name : str
        `service.action`.
    anonymous : bool
        Whether a call needs no token.
    **required
        Required fields of the request with their types.
    """

    def declare(handler: Handler) -> Handler:
        if name in ENDPOINTS:
            raise ValueError(f"two handlers for {name}")
        ENDPOINTS[name] = Endpoint(name, handler, required, anonymous)
        return handler

    return declare
