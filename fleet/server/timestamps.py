"""Times as they are stored: ISO 8601 in UTC with microseconds, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_CONSTRAINT = re.compile(r"^\s*(>=|<=|>|<)?\s*(.+?)\s*$")


def now() -> str:
    """The present time as stored text."""
    return to_text(datetime.now(UTC))


def to_text(moment: datetime) -> str:
    """A moment as stored text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_epoch(seconds: float) -> str:
    """Seconds since the epoch as stored text."""
    return to_text(datetime.fromtimestamp(seconds, UTC))


def to_epoch(text: str) -> float:
    """Stored text as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def parse(text: str | float | int) -> str:
    """A client's time, ISO text or epoch in seconds or milliseconds, as stored text.

    Raises ValueError when it is neither.
    """
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(str(text).strip())
        return to_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    # Epoch times of this century have 10 digits in seconds and 13 in milliseconds.
    return from_epoch(number / 1000 if number > 1e11 else number)


def parse_constraint(text: str | float | int) -> tuple[str, str]:
    """A constraint such as `>=2026-01-01T00:00:00` as (operator, stored text)."""
    operator, value = _CONSTRAINT.match(str(text)).groups()
    return operator or "=", parse(value)
