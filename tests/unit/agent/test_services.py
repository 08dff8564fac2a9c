"""How a worker starts, tells of, and ends services that run beside its loop."""

import json
import threading

import pytest
from clearml_agent.commands import Worker
from fleet_agent.outputs import Outputs
from fleet_agent.put_back import Refused


class Service:
    """Stands for a container: all that there are must be told to end before any of them does."""

    def __init__(self, together=None, status=None, trouble=None):
        self.together, self.status, self.trouble = together, status, trouble
        self.seen = None

    def poll(self):
        return self.status

    def end(self):
        self.seen = self.look()
        if self.together:
            self.together.wait(20)
        if self.trouble:
            raise self.trouble
        return self.status

    def look(self):
        return None


class Server:
    """Stands for the server: tasks and what was asked for."""

    def __init__(self, *tasks, away=False):
        self.tasks = dict.fromkeys(tasks, "in_progress")
        self.asked, self.away = [], away

    def __call__(self, endpoint, **data):
        if self.away:
            raise OSError("nobody is there")
        self.asked.append((endpoint, data.get("task") or data.get("worker")))
        if endpoint == "tasks.get_all":
            (task,) = data["id"]
            return {"tasks": [{"id": task, "status": self.tasks[task], "last_worker": "node:0"}]}
        if endpoint == "queues.get_all":
            return {"queues": []}
        if endpoint == "tasks.enqueue":
            self.tasks[data["task"]] = "queued"
        return {}


@pytest.fixture
def worker(make_worker, monkeypatch):
    worker = make_worker(services=True)
    worker._said, worker._reported = [], []
    monkeypatch.setattr(worker, "_log_line", lambda task, text: worker._said.append((task, text)))
    worker._custody._log = worker._log_line
    monkeypatch.setattr(Worker, "report_monitor", lambda _self, r: worker._reported.append(r.task))
    return worker


def ask(worker, server):
    worker._call = worker._custody._call = server
    worker._orphans._is_done = True
    return server


def begin(worker, services):
    for task, service in services.items():
        worker._custody.begin(task, "q1")
        worker._services[task] = service


def record(tmp_path, task):
    (file,) = (tmp_path / "keep" / "in-hand").glob(f"{task}.*.json")
    return json.loads(file.read_text())


def records(tmp_path):
    return sorted(
        file.name.partition(".")[0] for file in (tmp_path / "keep" / "in-hand").glob("*.json")
    )


def cut(worker):
    worker._drain._why = "its agent was told a second time to leave"
    worker._cut_services()


def test_all_services_are_ended_at_once_and_put_back(worker, tmp_path):
    tasks = [f"t{number}" for number in range(12)]
    server = ask(worker, Server(*tasks))
    together = threading.Barrier(len(tasks))
    begin(worker, {task: Service(together) for task in tasks})

    cut(worker)

    assert not together.broken
    assert set(server.tasks.values()) == {"queued"}
    assert ("workers.unregister", "node:0:service:t3") in server.asked
    assert records(tmp_path) == []


def test_that_they_shall_be_put_back_is_written_down_before_the_first_is_ended(worker, tmp_path):
    ask(worker, Server("t1", "t2"))
    services = {task: Service() for task in ("t1", "t2")}
    for service in services.values():
        service.look = lambda: [record(tmp_path, task)["wished"] for task in services]
    begin(worker, services)

    cut(worker)

    assert [service.seen for service in services.values()] == [[worker._drain.cut] * 2] * 2


def test_all_of_them_have_one_time_together(worker, tmp_path, monkeypatch):
    tasks = [f"t{number}" for number in range(5)]
    ask(worker, Server(*tasks))
    begin(worker, {task: Service() for task in tasks})
    waited = []
    monkeypatch.setattr("fleet_agent.tasks.PUT_BACK_SECONDS", 0.05)
    monkeypatch.setattr(
        "fleet_agent.custody.put_back",
        lambda *_arguments: (waited.append(1), threading.Event().wait(20)),
    )

    cut(worker)

    assert len(waited) == 1
    assert records(tmp_path) == tasks  # for the slot's next agent


def test_a_service_that_cannot_be_ended_keeps_no_other(worker, tmp_path):
    server = ask(worker, Server("t1", "t2"))
    begin(worker, {"t1": Service(trouble=RuntimeError("no")), "t2": Service()})

    cut(worker)

    assert server.tasks == {"t1": "in_progress", "t2": "queued"}
    assert records(tmp_path) == ["t1"]  # it may run on: the slot's next agent looks


def test_a_service_that_had_ended_is_not_put_back(worker, tmp_path, monkeypatch):
    server = ask(worker, Server("t1", "t2"))
    begin(worker, {"t1": Service(status=3), "t2": Service()})
    ends = []

    def told(_self, task, exit_code, *_arguments, **_more):
        ends.append((task, exit_code))
        server.tasks[task] = "failed"

    monkeypatch.setattr(Worker, "handle_task_termination", told)

    cut(worker)

    assert ends == [("t1", 3)]
    assert server.tasks == {"t1": "failed", "t2": "queued"}
    assert records(tmp_path) == []


def test_what_its_agent_could_not_put_back_any_more_the_next_one_does_and_counts_as_wished(
    worker,
):
    worker._custody.begin("t1", "q1")
    worker._custody.wish(["t1"], "its agent was told a second time to leave")
    worker._custody.let_be("t1")
    server = ask(worker, Server("t1"))

    worker._take_up(["q1"])

    assert server.tasks == {"t1": "queued"}
    (said,) = worker._said
    assert "told a second time" in said[1]
    assert "gone" not in said[1]


def test_a_service_that_is_taken_up_is_a_worker_of_its_own(worker, monkeypatch):
    ask(worker, Server("t1"))
    worker._custody.begin("t1", "q1")
    worker._custody._held["t1"].note(container="c1")
    worker._custody.let_be("t1")
    monkeypatch.setattr(worker, "_is_there", lambda _held: True)
    monkeypatch.setattr("fleet_agent.custody.TaskCommand.call_subprocess", lambda *_: Service())

    worker._take_up(["q1"])

    assert list(worker._services) == ["t1"]
    assert worker._reported == ["t1", None]


def test_the_copy_of_the_credentials_goes_with_its_service(worker, tmp_path):
    server = ask(worker, Server("t1", "t2"))
    copies = [tmp_path / f".clearml_agent.node%3A0%3Aservice%3A{task}.cfg" for task in ("t1", "t2")]
    for copy in copies:
        copy.touch()
    begin(worker, {"t1": Service(status=0), "t2": Service()})
    server.tasks["t1"] = "completed"

    worker._reap()

    assert [copy.exists() for copy in copies] == [False, True]


def test_what_a_service_prints_is_kept_neither_in_memory_nor_for_ever(
    worker, tmp_path, monkeypatch
):
    service = Service()
    service.discarded = []
    service.discard_output = lambda: service.discarded.append(1)
    file = tmp_path / "keep" / "output" / "printed.txt"

    def started(_self, _task, cmd, *_arguments, stdout_path, **_more):
        open(stdout_path, "w").close()
        cmd.process = service
        return None, None

    monkeypatch.setattr(Worker, "_log_command_output", started)
    worker._custody.begin("t1", "q1")

    assert worker._log_command_output("t1", ("true",), stdout_path=str(file)) == (None, None)

    assert worker._services == {"t1": service}
    assert service.discarded
    assert not file.exists()


def test_what_tasks_print_is_on_the_nodes_disk(worker, tmp_path):
    from clearml_agent.definitions import ENV_TEMP_STDOUT_FILE_DIR

    folder = tmp_path / "keep" / "output"
    assert ENV_TEMP_STDOUT_FILE_DIR.get() == str(folder)
    (folder / "left").touch()
    (folder / "more").mkdir()

    worker._outputs.clear()

    assert list(folder.iterdir()) == []
    Outputs(None).clear()


def test_a_worker_of_a_service_that_cannot_be_unregistered_keeps_nothing(worker, tmp_path):
    server = ask(worker, Server("t1"))
    begin(worker, {"t1": Service()})

    def refuse(endpoint, **data):
        if endpoint == "workers.unregister":
            raise Refused("no such worker")
        return server(endpoint, **data)

    worker._call = refuse

    cut(worker)

    assert server.tasks == {"t1": "queued"}
    assert records(tmp_path) == []


def test_whoever_handed_a_service_over_is_told_its_end_and_not_its_start(
    worker, tmp_path, monkeypatch
):
    server = ask(worker, Server("t1"))
    server.tasks["t1"] = "created"
    asked = tmp_path / "state" / "handed" / "t1.asked"
    asked.touch()

    def run(_self, _queue, task, *_arguments, **_more):
        server.tasks[task] = "in_progress"
        worker._services[task] = Service()

    monkeypatch.setattr(Worker, "run_one_task", run)
    monkeypatch.setattr(worker, "_name_refused", lambda _task: None)

    worker._run_handed(["q1"])
    assert not asked.with_suffix(".done").exists()

    worker._services["t1"].status = 0
    server.tasks["t1"] = "completed"
    worker._reap()
    assert json.loads(asked.with_suffix(".done").read_text())["status"] == "completed"


def test_whoever_handed_a_task_over_does_not_wait_for_a_server_that_is_away(worker, tmp_path):
    ask(worker, Server(away=True))
    asked = tmp_path / "state" / "handed" / "t1.asked"
    asked.touch()

    with pytest.raises(OSError, match="nobody"):
        worker._run_handed(["q1"])

    assert "nobody is there" in json.loads(asked.with_suffix(".done").read_text())["message"]


def test_an_end_that_cannot_be_read_is_told_as_that(worker, tmp_path):
    ask(worker, Server(away=True))
    taken = tmp_path / "state" / "handed" / "t1.taken"
    taken.touch()

    worker._settle("t1")

    assert "nobody is there" in json.loads(taken.with_suffix(".done").read_text())["message"]
    assert not taken.exists()


def ask_end(tmp_path, task):
    """As the slot's new agent does that has the task for another run."""
    (file,) = (tmp_path / "keep" / "in-hand").glob(f"{task}.*.json")
    file.with_suffix(".unwanted").touch()


def test_a_service_that_was_enqueued_anew_is_ended_and_the_server_is_told_nothing(worker, tmp_path):
    server = ask(worker, Server("t1", "t2"))
    begin(worker, {"t1": Service(), "t2": Service()})
    ask_end(tmp_path, "t1")

    worker._end_unwanted()

    assert list(worker._services) == ["t2"]
    assert records(tmp_path) == ["t2"]
    assert server.asked == []


def test_a_service_that_cannot_be_ended_now_is_ended_later(worker, tmp_path):
    ask(worker, Server("t1"))
    service = Service(trouble=RuntimeError("no"))
    begin(worker, {"t1": service})
    ask_end(tmp_path, "t1")

    worker._end_unwanted()
    assert records(tmp_path) == ["t1"]

    service.trouble = None
    worker._end_unwanted()
    assert records(tmp_path) == []


def test_a_service_that_was_enqueued_anew_is_not_put_back(worker, tmp_path):
    server = ask(worker, Server("t1", "t2"))
    begin(worker, {"t1": Service(), "t2": Service()})
    ask_end(tmp_path, "t1")

    cut(worker)

    assert server.tasks == {"t1": "in_progress", "t2": "queued"}
    assert records(tmp_path) == []


def test_a_task_whose_earlier_run_cannot_be_ended_is_not_begun_but_put_back(
    worker, tmp_path, monkeypatch
):
    server = ask(worker, Server("t1"))
    server.tasks["t1"] = "queued"
    monkeypatch.setattr(worker._custody, "end_others", lambda _task: False)

    assert not worker._take("t1", "q1")

    assert ("tasks.enqueue", "t1") in server.asked
    assert "cannot be ended" in worker._said[-1][1]
    assert (worker._custody.tasks, records(tmp_path)) == ([], [])


def test_a_draft_whose_earlier_run_cannot_be_ended_is_not_run(worker, tmp_path, monkeypatch):
    server = ask(worker, Server("t1"))
    server.tasks["t1"] = "created"
    asked = tmp_path / "state" / "handed" / "t1.asked"
    asked.touch()
    monkeypatch.setattr(worker._custody, "end_others", lambda _task: False)

    worker._run_handed(["q1"])

    answer = json.loads(asked.with_suffix(".done").read_text())
    assert answer["message"].startswith("not run: its earlier run is still there")
