"""Ending tasks that nobody has heard of for long, and forgetting workers that are gone."""

from __future__ import annotations

import asyncio
import logging
import time

from fleet.server import lifecycle, timestamps
from fleet.server.store import Store

logger = logging.getLogger("fleet.server")
REASON = "Forced stop (non-responsive)"


async def watch(store: Store) -> None:
    """Look after stale tasks and workers from time to time, until cancelled."""
    while True:
        await asyncio.sleep(store.settings.limits.watch_interval)
        try:
            stopped = stop_stale(store)
            store.workers.remove_expired()
            store.database.commit()
        except Exception:
            store.database.rollback()
            logger.exception("looking for stale tasks failed")
            continue
        if stopped:
            logger.warning("stopped non-responsive tasks: %s", ", ".join(stopped))


def stop_stale(store: Store) -> list[str]:
    """Stop running tasks without an update for too long; their ids. Nothing is enqueued again."""
    oldest = timestamps.from_epoch(time.time() - store.settings.limits.stale_task)
    rows = store.database.all(
        "SELECT id FROM tasks WHERE status = 'in_progress' AND last_update < ?", (oldest,)
    )
    for (key,) in rows:
        task = store.tasks.get(key)
        lifecycle.change_status(
            store, task, lifecycle.STOPPED, reason=REASON, message=REASON, force=True
        )
    return [row[0] for row in rows]
