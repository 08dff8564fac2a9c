"""Tasks and workers that nobody hears of any more."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from fleet.server import lifecycle, timestamps, watchdog
from fleet.server.auth import Identity
from fleet.server.registry import Call
from fleet.server.services.queues import add_queue, delete, get_next_task, remove_task
from fleet.server.services.tasks import new_task
from fleet.server.settings import Limits, Settings
from fleet.server.store import Store


@pytest.fixture
def store(tmp_path):
    limits = Limits(worker_timeout=0.2, stale_task=0.2, lost_task=0.2, watch_interval=0.05)
    store = Store(Settings(tmp_path, "http://api", "http://files", limits))
    yield store
    store.close()


@pytest.fixture
def call(store):
    return Call(store=store, identity=Identity("user", "user"))


@pytest.fixture
def queue(call):
    return add_queue(call, "some queue", {})


def running_task(store: Store) -> str:
    call = Call(store=store, identity=Identity("user", "user"))
    task = new_task(call, {"name": "quiet", "type": "training"})
    lifecycle.start(store, task, "", "", force=False)
    return task["id"]


def queued_task(call: Call, queue: str) -> str:
    task = new_task(call, {"name": "waiting", "type": "training"})
    lifecycle.enqueue(call.store, task, queue, "", "")
    return task["id"]


def watch_until(store: Store, condition) -> None:
    """Let the watchdog work until a condition holds, five seconds at most."""

    async def wait() -> None:
        watching = asyncio.create_task(watchdog.watch(store))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if condition():
                break
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    asyncio.run(wait())


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
    watch_until(store, lambda: store.tasks.get(quiet)["status"] == "stopped")
    assert store.tasks.get(quiet)["status"] == "stopped"
    assert store.workers.listed() == []
    assert store.database.all("SELECT id FROM workers") == []


def test_a_worker_may_ask_for_more_time(store):
    store.workers.report("short:1", {})
    store.workers.report("long:1", {}, timeout=60)
    time.sleep(0.3)
    assert [worker["id"] for worker in store.workers.listed()] == ["long:1"]
    assert store.workers.listed(last_seen=0.1) == []


def test_a_task_that_was_taken_and_not_started_is_put_back(store, call, queue):
    first, second = queued_task(call, queue), queued_task(call, queue)
    assert get_next_task(call, {"queue": queue})["entry"]["task"] == first
    assert watchdog.put_back_lost(store) == []
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == [first]
    assert [entry["task"] for entry in store.entries.listed(queue)] == [second, first]
    task = store.tasks.get(first)
    assert task["status"] == "queued"
    assert "a worker took it and did not start it" in task["status_message"]
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == []


def test_what_went_on_after_it_was_taken_is_not_put_back(store, call, queue):
    started, stopped, drafted, again = (queued_task(call, queue) for _ in range(4))
    for _ in range(4):
        get_next_task(call, {"queue": queue})
    lifecycle.start(store, store.tasks.get(started), "", "", force=True)
    lifecycle.stop(store, store.tasks.get(stopped), "", "", force=False)
    lifecycle.dequeue(store, store.tasks.get(drafted), lifecycle.CREATED, "", "")
    other = add_queue(call, "other queue", {})
    lifecycle.enqueue(store, store.tasks.get(again), other, "", "")
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == []
    assert store.entries.listed(queue) == []
    assert store.entries.queue_of(again) == other


def test_a_task_that_was_removed_from_its_queue_is_not_put_back(store, call, queue):
    task = queued_task(call, queue)
    remove_task(call, {"queue": queue, "task": task})
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == []
    assert store.tasks.get(task)["status"] == "queued"


def test_a_lost_task_whose_worker_still_reports_is_left(store, call, queue):
    task = queued_task(call, queue)
    get_next_task(call, {"queue": queue})
    time.sleep(0.3)
    store.tasks.update(store.tasks.get(task), {"last_update": timestamps.now()})
    assert watchdog.put_back_lost(store) == []
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == [task]


def test_a_lost_task_of_a_deleted_queue_becomes_a_draft(store, call, queue):
    task = queued_task(call, queue)
    get_next_task(call, {"queue": queue})
    delete(call, {"queue": queue})
    time.sleep(0.3)
    assert watchdog.put_back_lost(store) == [task]
    assert store.tasks.get(task)["status"] == "created"
    assert "queue was deleted" in store.tasks.get(task)["status_message"]


def test_lost_tasks_are_put_back_after_a_restart_when_workers_had_their_time(store, call, queue):
    task = queued_task(call, queue)
    get_next_task(call, {"queue": queue})
    store.database.commit()
    time.sleep(0.3)
    began = time.monotonic()
    watch_until(store, lambda: store.entries.queue_of(task))
    assert time.monotonic() - began >= store.settings.limits.lost_task
    assert store.entries.queue_of(task) == queue
