"""Looking after what workers left behind when they went.

Running tasks that nobody has heard of for long are ended, tasks that were taken out of a queue and
not started are put back, and workers that are gone are forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import time

from fleet.server import lifecycle, timestamps
from fleet.server.documents import Document
from fleet.server.store import Store

logger = logging.getLogger("fleet.server")
REASON = "Forced stop (non-responsive)"
PUT_BACK = "Put back into its queue: a worker took it and did not start it"
QUEUE_GONE = "A worker took it and did not start it, and its queue was deleted"


async def watch(store: Store) -> None:
    """Look after stale and lost tasks and workers from time to time, until cancelled."""
    limits = store.settings.limits
    began = time.monotonic()
    while True:
        await asyncio.sleep(limits.watch_interval)
        try:
            stopped = stop_stale(store)
            # While the server was down workers could not say that they start what they took:
            # they try again for a while, and a task put back at once would run twice.
            settled = time.monotonic() - began >= limits.lost_task
            lost = put_back_lost(store) if settled else []
            store.workers.remove_expired()
            store.database.commit()
        except Exception:
            store.database.rollback()
            logger.exception("looking for stale tasks failed")
            continue
        if stopped:
            logger.warning("stopped non-responsive tasks: %s", ", ".join(stopped))
        if lost:
            logger.warning("put back tasks that no worker started: %s", ", ".join(lost))


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


def put_back_lost(store: Store) -> list[str]:
    """Put tasks that a worker took and did not start at the end of their queue; their ids.

    A task whose queue is gone becomes a draft, as when a queue that holds it is deleted.
    """
    oldest = timestamps.from_epoch(time.time() - store.settings.limits.lost_task)
    lost = []
    for key, queue in store.entries.handed_out(before=oldest):
        task = store.tasks.get(key)
        if task is None or task["status"] != lifecycle.QUEUED:
            store.entries.remove(key)
        elif task["last_update"] < oldest:
            _put_back(store, task, queue)
            lost.append(key)
    return lost


def _put_back(store: Store, task: Document, queue: str) -> None:
    if store.queues.exists(queue):
        lifecycle.enqueue(store, task, queue, "", PUT_BACK)
    else:
        lifecycle.dequeue(store, task, lifecycle.CREATED, "", QUEUE_GONE)
