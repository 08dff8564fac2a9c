"""Credentials and tokens: a key and a secret are changed for a signed token that expires."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import jwt

from fleet.server import timestamps
from fleet.server.database import Database
from fleet.server.documents import Collection, new_id
from fleet.server.errors import ApiError, unauthorized
from fleet.server.settings import API_VERSION, SERVER_VERSION

COMPANY_ID = "f1ee7000000000000000000000000001"
COMPANY_NAME = "fleet"
_CACHED_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a call."""

    user: str
    user_name: str
    company: str = COMPANY_ID


class Authority:
    """Checks credentials and tokens, and issues them.

    Parameters
    ----------
    database : Database
        Holds the hashed secrets and the key that signs tokens.
    users : Collection
        The users.
    lifetime : int
        Seconds until a token expires, at most.
    """

    def __init__(self, database: Database, users: Collection, lifetime: int) -> None:
        self._database = database
        self._users = users
        self._lifetime = lifetime
        self._key = self._signing_key()
        # Agents poll with the same token each second: its signature is checked once.
        self._known: dict[str, tuple[Identity, float]] = {}

    def create_user(self, name: str) -> str:
        """Add a user; its id."""
        user = {
            "id": new_id(),
            "name": name,
            "company": COMPANY_ID,
            "role": "admin",
            "created": timestamps.now(),
        }
        self._users.insert(user)
        return user["id"]

    def create_credentials(self, user: str, label: str | None = None) -> tuple[str, str]:
        """A new access key and secret key for a user. Only a hash of the secret is kept."""
        access_key = secrets.token_hex(10).upper()
        secret_key = secrets.token_urlsafe(36)
        self._database.execute(
            "INSERT INTO credentials (access_key, secret_hash, user, label, created)"
            " VALUES (?, ?, ?, ?, ?)",
            (access_key, _hash(secret_key), user, label, timestamps.now()),
        )
        return access_key, secret_key

    def check_credentials(self, access_key: str, secret_key: str) -> Identity | None:
        """Whose credentials they are; None when they are nobody's."""
        row = self._database.one(
            "SELECT secret_hash, user FROM credentials WHERE access_key = ?", (access_key,)
        )
        # The comparison runs for an unknown key too, so that the time tells nothing.
        if not hmac.compare_digest(row[0] if row else "", _hash(secret_key)) or not row:
            return None
        user = self._users.get(row[1])
        return Identity(user["id"], user["name"]) if user else None

    def issue(self, identity: Identity, lifetime: int | None = None) -> str:
        """A token for someone, valid for `lifetime` seconds but no longer than the server's."""
        issued = int(time.time())
        claims = {
            "iat": issued,
            "exp": issued + min(lifetime or self._lifetime, self._lifetime),
            "auth_type": "Bearer",
            "identity": {
                "user": identity.user,
                "company": identity.company,
                "role": "admin",
                "user_name": identity.user_name,
                "company_name": COMPANY_NAME,
            },
            "env": "fleet",
            "tenant": identity.company,
            "api_version": API_VERSION,
            "server_version": SERVER_VERSION,
            "feature_set": "basic",
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def check_token(self, token: str) -> Identity:
        """Whose token it is; ApiError when it is not valid."""
        known = self._known.get(token)
        if known and known[1] > time.time():
            return known[0]
        try:
            claims = jwt.decode(
                token, self._key, algorithms=["HS256"], options={"require": ["exp", "iat"]}
            )
            identity = Identity(claims["identity"]["user"], claims["identity"]["user_name"])
        except (jwt.PyJWTError, KeyError, TypeError) as error:
            self._known.pop(token, None)
            raise unauthorized(30, f"invalid token: {error}") from None
        if len(self._known) >= _CACHED_TOKENS:
            self._known.clear()
        self._known[token] = (identity, claims["exp"])
        return identity

    def check_header(self, authorization: str | None) -> Identity:
        """Whose `Authorization` header it is, Basic or Bearer; ApiError when it is not valid."""
        kind, _, value = (authorization or "").partition(" ")
        if kind.lower() == "bearer":
            return self.check_token(value.strip())
        if kind.lower() != "basic":
            raise unauthorized(20, "missing credentials")
        try:
            text = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise _bad_credentials() from None
        access_key, _, secret_key = text.partition(":")
        identity = self.check_credentials(access_key, secret_key)
        if identity is None:
            raise _bad_credentials()
        return identity

    def _signing_key(self) -> str:
        row = self._database.one("SELECT value FROM meta WHERE key = 'signing_key'")
        if row:
            return row[0]
        key = secrets.token_hex(32)
        self._database.execute("INSERT INTO meta VALUES ('signing_key', ?)", (key,))
        self._database.commit()
        return key


def _bad_credentials() -> ApiError:
    return unauthorized(21, "invalid credentials")


def _hash(secret: str) -> str:
    # Secrets are long and random, so that a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
