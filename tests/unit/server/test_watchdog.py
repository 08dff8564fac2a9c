"""Tasks and workers that nobody hears of any more."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from fleet.server import lifecycle, watchdog
from fleet.server.auth import Identity
from fleet.server.registry import Call
from fleet.server.services.tasks import new_task
from fleet.server.settings import Limits, Settings
from fleet.server.store import Store


@pytest.fixture
def store(tmp_path):
    limits = Limits(worker_timeout=0.2, stale_task=0.2, watch_interval=0.05)
    store = Store(Settings(tmp_path, "http://api", "http://files", limits))
    yield store
    store.close()


def running_task(store: Store) -> str:
    call = Call(store=store, identity=Identity("user", "user"))
    task = new_task(call, {"name": "quiet", "type": "training"})
    lifecycle.start(store, task, "", "", force=False)
    return task["id"]


def test_quiet_tasks_are_stopped_and_others_left(store):
    quiet = running_task(store)
    time.sleep(0.3)
    busy = running_task(store)
    assert watchdog.stop_stale(store) == [quiet]
    task = store.tasks.get(quiet)
    assert task["status"] == "stopped"
    assert task["status_reason"] == task["status_message"] == "Forced stop (non-responsive)"
    assert "completed" not in task
    assert store.tasks.get(busy)["status"] == "in_progress"


def test_it_looks_from_time_to_time(store):
    quiet = running_task(store)
    store.workers.report("gone:1", {})
    store.database.commit()

    async def wait() -> None:
        watching = asyncio.create_task(watchdog.watch(store))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if store.tasks.get(quiet)["status"] == "stopped":
                break
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    asyncio.run(wait())
    assert store.tasks.get(quiet)["status"] == "stopped"
    assert store.workers.listed() == []
    assert store.database.all("SELECT id FROM workers") == []


def test_a_worker_may_ask_for_more_time(store):
    store.workers.report("short:1", {})
    store.workers.report("long:1", {}, timeout=60)
    time.sleep(0.3)
    assert [worker["id"] for worker in store.workers.listed()] == ["long:1"]
    assert store.workers.listed(last_seen=0.1) == []
