"""The runtime's own requests, against answers as a server gives them."""

import pytest

from ml.runtime.conventions import template_mark, template_tags
from ml.runtime.server import Server


class Answer:
    def __init__(self, data, status=200):
        self.ok = status == 200
        self.status_code = status
        self.text = str(data)
        self._data = data

    def json(self):
        return {"data": self._data}


class Session:
    """Answers by endpoint, and keeps what was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def send_request(self, service, action, method, json):
        self.asked.append((f"{service}.{action}", json))
        data = self.answers[f"{service}_{action}"]
        return data if isinstance(data, Answer) else Answer(data)


PROJECT = {"projects": [{"id": "p"}]}


def template(task_id, mark=None, **changes):
    tags = [*template_tags("training"), template_mark(mark or task_id)]
    return {"id": task_id, "name": "training", "status": "created", "tags": tags, **changes}


def test_the_newest_template_counts_and_what_looks_like_one_does_not():
    tasks = [
        template("7", mark="2"),
        template("6", tags=template_tags("training")),
        template("5", system_tags=["archived"]),
        template("4", status="queued"),
        template("2", name="renamed"),
        template("1"),
    ]
    session = Session(projects_get_all=PROJECT, tasks_get_all={"tasks": tasks})
    assert Server(session).templates("stable") == {"training": "2"}
    _, asked = session.asked[1]
    assert asked["order_by"] == ["-created"]
    assert asked["project"] == ["p"]


def test_before_anything_was_published_there_is_no_template():
    session = Session(projects_get_all={"projects": []}, tasks_get_all_ex={"tasks": []})
    assert Server(session).versions("training") == []
    assert session.asked[1][1]["project"] == ["none"]


def test_what_came_of_a_runs_steps():
    tasks = [
        {
            "id": "1",
            "name": "training ridge r1",
            "tags": ["run:r1", "phase:training"],
            "status": "failed",
            "status_message": "changed by an agent",
            "status_reason": "killed",
            "hyperparams": {"properties": {"model": {"name": "model", "value": "ridge"}}},
            "started": "2026-11-23T17:00:00.500000+00:00",
            "completed": "2026-11-23T17:00:02+00:00",
            "last_worker": "cpu-1:0",
            "execution": {"queue": "q1"},
            "container": {"image": "registry/cpu@sha256:12"},
            "script": {"version_num": "abc"},
        },
        {"id": "2", "name": "training mlp r1", "tags": ["phase:training"], "status": "queued"},
        {"id": "3", "name": "a data set", "tags": ["run:r1"], "status": "completed"},
    ]
    session = Session(
        tasks_get_all={"tasks": tasks},
        queues_get_all={"queues": [{"id": "q1", "name": "cpu-train"}]},
    )
    first, second = Server(session).outcomes("r1")
    assert (first.phase, first.status, first.message) == ("training", "failed", "killed")
    assert (first.queue, first.worker, first.seconds) == ("cpu-train", "cpu-1:0", 1.5)
    assert (first.image, first.commit) == ("registry/cpu@sha256:12", "abc")
    assert first.properties == {"model": "ridge"}
    assert not first.is_finished
    assert (second.queue, second.seconds, second.image, second.commit) == ("", None, "", "")
    assert second.is_pending


def test_many_tasks_are_asked_for_page_by_page():
    page = [{"id": str(n), "name": "x", "tags": []} for n in range(500)]

    class Pages(Session):
        def send_request(self, service, action, method, json):
            self.asked.append(json["page"])
            return Answer({"tasks": page if json["page"] == 0 else page[:3]})

    session = Pages()
    assert Server(session).outcomes("r1") == []
    assert session.asked == [0, 1]


def test_the_queues_that_live_agents_poll():
    workers = [{"queues": [{"id": "a", "name": "cpu"}, {"id": "b", "name": "gpu"}]}, {"id": "idle"}]
    session = Session(workers_get_all={"workers": workers})
    assert Server(session).polled_queues() == {"cpu", "gpu"}
    assert session.asked[0][1]["last_seen"] > 30


def test_an_error_of_the_server_is_told_with_the_endpoint():
    session = Session(tasks_edit=Answer("Invalid task id", status=400))
    with pytest.raises(RuntimeError, match=r"tasks\.edit answered 400: Invalid task id"):
        Server(session).edit_task("t1", name="x")


def test_properties_and_configuration_are_removed_of_a_running_task():
    session = Session(tasks_delete_hyper_params={}, tasks_delete_configuration={})
    Server(session).delete_properties("t1", ["failure"])
    Server(session).delete_configuration("t1", "Pipeline")
    properties, configuration = (asked for _, asked in session.asked)
    assert properties["hyperparams"] == [{"section": "properties", "name": "failure"}]
    assert configuration["configuration"] == ["Pipeline"]
    assert properties["force"]
    assert configuration["force"]
