"""What becomes of a task when its agent, its engine or its server has trouble.

The stock agent's own code runs here; fakes stand for the server and for Docker's engine.
"""

import contextlib
import errno
import subprocess
import sys

import pytest
from clearml_agent.commands import worker as stock
from clearml_agent.commands.worker import TaskStopReason
from fleet_agent import custody as custody_module
from fleet_agent import in_hand, tasks, watch
from fleet_agent.custody import Custody
from fleet_agent.drain import Drain, PutBack
from fleet_agent.engine import EngineAway
from fleet_agent.health import Health
from fleet_agent.in_hand import Records
from fleet_agent.orphans import Orphans
from fleet_agent.tasks import TaskWorker
from fleet_agent.watch import LEFT, PUT_BACK, Lost
from fleet_agent.worker import FleetWorker

ME = "me:0"


class Worker(TaskWorker):
    """Without its beginning, which wants a server."""

    def begin(self, folder):
        self.worker_id = ME
        self.task = {"status": "in_progress", "last_worker": ME, "execution": {"queue": "q"}}
        self.entries, self.asked, self.stock_sent, self.lines = [], [], [], []
        self._drain = Drain()
        self._health = Health(folder / "state")
        self._custody = Custody(Records(folder / "keep"), self._call, self._log_line)
        self._services, self._services_mode = {}, False
        self._orphans = Orphans(self._call)
        self._polling_interval = 0.01
        self._truncate_task_output_files = self._suppress_cr = False
        self._task_ping_interval_sec = 0
        self._session = self
        self.docker_image_func = None
        self.debug_mode = False

    def _call(self, endpoint, **data):
        self.asked.append(endpoint)
        if endpoint == "tasks.enqueue":
            self.task["status"] = "queued"
            self.entries.append({"task": data["task"]})
        if endpoint == "tasks.failed":
            self.task["status"] = "failed"
        task = {"id": "t1", **self.task}
        return {"tasks": [task], "queues": [{"id": "q", "entries": self.entries}]}

    def send_request(self, **_):
        raise OSError("no server")

    def send_api(self, request):
        self.stock_sent.append(type(request).__name__)
        raise OSError("500")

    def send_logs(self, task_id, lines, *_, **__):
        self.lines += lines
        return len(lines)

    def log(self, *_):
        pass

    def log_traceback(self, error):
        pass

    def watch(self, *words, task="t1"):
        path = str(self._health._busy.with_name("output"))
        return self._log_command_output(task, words, stdout_path=path, daemon=True)

    @property
    def is_back(self):
        return self.entries == [{"task": "t1"}]


class Process:
    """Stands for a task's process."""

    out_of_memory = False

    def __init__(self, end=None):
        self._end = end
        self.ended = 0

    def poll(self):
        return None

    def forwarded(self):
        return 0

    def end(self):
        self.ended += 1
        if self._end:
            raise self._end


@pytest.fixture
def worker(tmp_path, monkeypatch, alarm):
    monkeypatch.setattr(custody_module, "remove_container", lambda name: True)
    monkeypatch.setattr(watch, "GOING_DOWN_SECONDS", 0.3)
    worker = object.__new__(Worker)  # the stock one is a singleton
    worker.begin(tmp_path)
    return worker


def has_process(worker, process=None, task="t1"):
    command = worker._custody.watch(task, ["true"], lambda: None, lambda client: None)
    command.process = process or Process()
    return command.process


def records(tmp_path):
    return list((tmp_path / "keep" / "in-hand").glob("*.json"))


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


def test_a_task_whose_watching_fails_is_ended_and_given_back(worker, monkeypatch):
    def test_of_the_server(*_):
        raise ValueError("an answer that is none")

    worker._custody.begin("t1", "q")
    monkeypatch.setattr(stock, "sleep", test_of_the_server)
    status, reason = worker.watch(*SLEEP)
    assert isinstance(reason, Lost)
    process = worker._custody.process("t1")
    assert process._process.returncode is not None

    worker.handle_task_termination("t1", status, reason)
    assert worker.is_back
    assert "tasks.edit_hyper_params" in worker.asked


def test_a_full_disk_does_not_end_a_task(worker, monkeypatch):
    worker._custody.begin("t1", "q")
    monkeypatch.setattr(in_hand, "write_json", full)
    worker._say_state = full
    assert worker.watch(sys.executable, "-c", "pass") == (0, TaskStopReason.no_stop)


def test_a_task_that_cannot_be_started_is_given_back_and_says_why(worker):
    worker._custody.begin("t1", "q")
    status, reason = worker.watch("/no/such/command")
    worker.handle_task_termination("t1", status, reason)
    assert worker.is_back
    assert "could not be started" in worker.lines[0]
    assert "/no/such/command" in worker.lines[0]
    assert worker.stock_sent == []


def test_an_error_before_there_is_a_process_is_no_abort_by_a_user(worker, monkeypatch):
    worker._custody.begin("t1", "q")
    monkeypatch.setattr(in_hand, "write_json", full)
    status, reason = worker.watch("docker", "run", "image")
    assert reason == Lost("it could not be started: [Errno 28] No space left on device")
    worker.handle_task_termination("t1", status, reason)
    assert worker.is_back
    assert worker.stock_sent == []


def test_a_task_that_a_person_called_failed_is_not_given_back(worker):
    worker._custody.begin("t1", "q")
    worker.task["status"] = "failed"
    assert worker.watch("/no/such/command") == (-1, TaskStopReason.exception)
    worker.handle_task_termination("t1", -1, TaskStopReason.exception)
    assert worker.entries == []


def test_a_task_that_the_server_does_not_start_is_given_back(worker, tmp_path):
    worker.task["status"] = "queued"
    assert worker.run_one_task("q", "t1", None) is None
    assert worker.stock_sent == ["StartedRequest"]
    assert "tasks.dequeue" in worker.asked
    assert worker.is_back
    assert records(tmp_path) == []


def test_an_error_of_the_agents_own_gives_its_task_back_once(worker, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise ValueError("something unforeseen")

    monkeypatch.setattr(stock.Worker, "run_one_task", fails)
    with pytest.raises(ValueError, match="unforeseen"):
        worker.run_one_task("q", "t1", None)
    assert worker.asked.count("tasks.enqueue") == 1
    assert "something unforeseen" in worker.lines[0]
    assert records(tmp_path) == []


def pops(monkeypatch, *popped):
    answers = [{"entry": {"task": task}} for task in popped]
    monkeypatch.setattr(tasks, "_get_next_task", lambda *_, **__: answers.pop(0) if answers else {})


def test_a_task_is_in_hand_before_the_server_is_asked_anything_more(worker, tmp_path, monkeypatch):
    pops(monkeypatch, "t1")
    assert worker._get_next_task(None, queue="q") == {"entry": {"task": "t1"}}
    assert len(records(tmp_path)) == 1
    assert worker.asked == []
    assert worker._get_next_task(None, queue="q") == {}


def test_a_task_that_cannot_be_written_down_goes_back_at_once(worker, tmp_path, monkeypatch):
    pops(monkeypatch, "t1")
    worker.task["status"] = "queued"
    monkeypatch.setattr(in_hand, "write_json", full)
    assert worker._get_next_task(None, queue="q") == {}
    assert worker.is_back
    assert worker._custody.tasks == []


def test_a_task_between_its_taking_and_its_start_is_given_back_in_the_next_round(
    worker, tmp_path, monkeypatch
):
    pops(monkeypatch, "t1")
    worker._get_next_task(None, queue="q")
    worker.task["status"] = "queued"
    worker._take_up(["q"])
    assert worker.is_back
    assert records(tmp_path) == []


def test_a_task_that_its_agent_left_before_the_start_is_given_back(worker, tmp_path):
    worker._custody.begin("t1", "q")
    worker._custody.let_be("t1")
    worker.task["status"] = "queued"
    worker._take_up(["q"])
    assert worker.is_back
    assert records(tmp_path) == []


def test_a_task_that_nobody_has_goes_back_to_its_queue(worker):
    worker.task["status"] = "queued"
    worker._orphans.look = lambda queues: [("t1", "q")]
    worker._take_up(["q"])
    assert worker.is_back


def test_that_orphans_cannot_be_looked_for_keeps_no_agent_from_its_work(worker, capsys):
    worker._orphans.look = full
    worker._take_up(["q"])
    assert "No space left" in capsys.readouterr().out


def test_a_service_that_is_enqueued_anew_before_its_end_was_seen_is_ended(
    worker, tmp_path, monkeypatch
):
    worker._custody.begin("t1", "q")
    process = worker._services["t1"] = has_process(worker)
    pops(monkeypatch, "t1")
    worker._get_next_task(None, queue="q")
    assert process.ended == 1
    assert worker._services == {}
    assert worker._custody.is_unstarted("t1")
    assert len(records(tmp_path)) == 1


def test_a_task_that_cannot_be_ended_is_left_and_not_put_back(worker, tmp_path, monkeypatch):
    class Command:
        process = Process(EngineAway("it starts again"))

    worker._custody.begin("t1", "q")
    assert worker._end(Command, PUT_BACK) == (None, LEFT)
    worker.handle_task_termination("t1", None, LEFT)
    assert (worker.asked, worker._custody.tasks) == ([], [])
    (held,) = worker._custody.left_behind()
    assert held.put_back == ""


def test_a_service_that_cannot_be_ended_is_left_and_not_put_back(worker):
    worker._custody.begin("t1", "q")
    worker._services["t1"] = has_process(worker, Process(EngineAway("it starts again")))
    worker._cut_services()
    assert (worker.asked, worker._custody.tasks) == ([], [])


def ended_by_a_signal(worker):
    worker._custody.begin("t1", "q")
    has_process(worker)
    worker.handle_task_termination("t1", 137, TaskStopReason.no_stop)


def test_a_task_that_ends_with_its_node_is_put_back_and_not_lost(worker):
    worker._drain.hold()
    worker._drain._on_signal(15, None)
    ended_by_a_signal(worker)
    assert worker.is_back
    assert "going down" in worker.lines[0]


def test_a_task_that_something_ended_long_after_the_signal_is_lost(worker, monkeypatch):
    given = {}
    real = worker._custody.give_back
    monkeypatch.setattr(
        worker._custody, "give_back", lambda *a, **more: given.update(more) or real(*a, **more)
    )
    worker._drain.hold()
    worker._drain._on_signal(15, None)
    worker._drain._signalled -= 60
    ended_by_a_signal(worker)
    assert worker.is_back
    assert given == {"is_lost": True}
    assert "from outside" in worker.lines[0]


def test_a_task_that_something_ended_without_a_drain_fails_as_any_other(worker):
    worker.task["status"] = "failed"
    ended_by_a_signal(worker)
    assert worker.entries == []
    assert worker.stock_sent == ["FailedRequest"]


def test_a_cut_that_the_stock_agent_swallowed_comes_at_the_next_look(worker):
    worker._drain.hold()
    worker._drain._on_signal(15, None)

    class Swallows:
        def test(self):
            with contextlib.suppress(PutBack):  # as a bare `except:` does
                worker._drain._on_signal(15, None)
            return TaskStopReason.no_stop

    worker._custody.begin("t1", "q")
    path = str(worker._health._busy.with_name("output"))
    status, reason = worker._log_command_output(
        "t1", SLEEP, stdout_path=path, daemon=True, stop_signal=Swallows()
    )
    assert (status, reason) == (None, PUT_BACK)
    assert worker._custody.process("t1")._process.returncode is not None


def test_a_cut_while_the_process_is_started_ends_that_process(worker, monkeypatch):
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)
            worker._drain._on_signal(15, None)
            worker._drain._on_signal(15, None)

    worker._drain.hold()
    worker._custody.begin("t1", "q")
    monkeypatch.setattr(stock.subprocess, "Popen", Popen)
    assert worker.watch(*SLEEP) == (None, PUT_BACK)
    (process,) = started
    assert process.returncode is not None


def test_the_loop_wakes_at_the_end_of_each_tasks_process(worker, monkeypatch):
    """And not at its next look, which may be far off; the stock loop's own `sleep` is that one."""
    seen = []
    monkeypatch.setattr(watch.WAITING, "watch", seen.append)
    worker._custody.begin("t1", "q")
    worker.watch("true")

    assert [process.args for process in seen] == [["true"]]
    assert issubclass(FleetWorker, TaskWorker)  # whose module has the stock loop do so
    assert stock.sleep == watch.WAITING.sleep
