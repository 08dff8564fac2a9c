"""How soon a server that was away is asked again.

The stock session waits up to two minutes between its tries: its setting `backoff_max` is lost on
the HTTP client of today, which reads its own default once. A task's end would be told that late.
"""

from __future__ import annotations

from typing import Any

from clearml_agent.backend_api import utils
from urllib3.util import Retry

#: The longest wait between two tries. Their number has an end, after which the session begins anew.
SECONDS = 10


class SoonRetry(Retry):
    """The client's own retries, with `SECONDS` between two of them at most."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "backoff_max": SECONDS})


def ask_soon() -> None:
    """Have all sessions that are made from now on ask again soon."""
    utils.Retry = SoonRetry
