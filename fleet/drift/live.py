"""Read what a server has, with as many requests for ten workers as for ten thousand."""

from __future__ import annotations

from typing import Any

from fleet.clearml_api import Api
from fleet.drift.model import Live, LiveWorker
from fleet.queues import LIVE_SECONDS, live_queues
from fleet.templates.lookup import find_held
from ml.runtime.conventions import is_template, phase_of

#: A worker that has not reported for so long is lost, though the server still lists it.
LOST_SECONDS = LIVE_SECONDS
_NO_LIMIT = 0


def read_live(api: Api, *, lost_seconds: int = LOST_SECONDS) -> Live:
    """What there is on a server: it is read and nothing else.

    Parameters
    ----------
    api : Api
        The server.
    lost_seconds : int
        Seconds since its last report after which a worker counts as lost.

    Raises
    ------
    FleetError
        The server does not answer, or refuses.
    """
    templates, older = _templates(api)
    return Live(
        server=api.url,
        queues=tuple(live_queues(api)),
        workers=read_workers(api, lost_seconds=lost_seconds),
        templates=templates,
        older=older,
    )


def read_workers(api: Api, *, lost_seconds: int = LOST_SECONDS) -> dict[str, LiveWorker]:
    """Worker id → worker, of all that the server lists; parameters as of :func:`read_live`."""
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    workers: dict[str, LiveWorker] = {}
    # Asked a second time and not reckoned: this machine's clock need not be the server's.
    for lost, seconds in ((True, _NO_LIMIT), (False, lost_seconds)):
        for worker in api.call("workers.get_all", last_seen=seconds)["workers"]:
            workers[worker["id"]] = _worker(worker, lost, shared)
    return workers


def _templates(api: Api) -> tuple[dict[str, dict[str, Any]], tuple[dict[str, Any], ...]]:
    """The newest stable template of each phase that the server knows, and the others."""
    newest: dict[str, dict[str, Any]] = {}
    older = []
    for task in filter(is_template, find_held(api)):
        if newest.setdefault(phase_of(task["tags"]), task) is not task:
            older.append(task)
    return newest, tuple(older)


def _worker(
    worker: dict[str, Any], lost: bool, shared: dict[tuple[str, ...], tuple[str, ...]]
) -> LiveWorker:
    queues = tuple(queue.get("name") or queue["id"] for queue in worker.get("queues") or ())
    tags = tuple(worker.get("tags") or ())
    return LiveWorker(
        id=worker["id"],
        # Most workers of a group say the same: it is kept once.
        queues=shared.setdefault(queues, queues),
        tags=shared.setdefault(tags, tags),
        last_heard=str(worker.get("last_report_time") or ""),
        lost=lost,
        task=(worker.get("task") or {}).get("id") or "",
    )
