"""What is asked of the server, and in which order; a fake stands for the server."""

import pytest
from fleet_agent.put_back import MOST_LOST, REASON, Case, Refused, put_back

TASK, ME = "a" * 32, "me:0"


class Server:
    """One task, and what was asked of it."""

    def __init__(self, entries=(), **task):
        self.task = {"last_worker": ME, "execution": {"queue": "q"}, **task}
        self.entries = [{"task": entry} for entry in entries]
        self.asked, self.lines, self.noted, self.refuses = [], [], [], {}

    def call(self, endpoint, **data):
        if endpoint == "tasks.get_all":
            return {"tasks": [self.task]}
        if endpoint == "queues.get_all":
            return {"queues": [{"id": "q", "entries": self.entries}]}
        self.asked.append((endpoint, data))
        if endpoint in self.refuses:
            self.task |= self.refuses[endpoint]
            raise Refused(endpoint)
        return {}

    def put_back(self, **case):
        given = Case(TASK, **{"queue": "q", "why": "it had to", "worker": ME, **case})
        return put_back(self.call, self.log, given, lambda **what: self.noted.append(what))

    def log(self, _task, text):
        self.lines.append(text)

    @property
    def endpoints(self):
        return [endpoint for endpoint, _ in self.asked]


def counted(lost=0, wished=0):
    text = f"task {TASK}: lost {lost} times, put back on request {wished} times"
    return {"properties": {"put_back": {"description": text}}}


def test_a_task_that_runs_is_counted_reset_and_put_to_the_front():
    server = Server(status="in_progress")
    assert server.put_back() == "put back"
    assert server.endpoints == [
        "tasks.edit_hyper_params",
        "tasks.reset",
        "tasks.enqueue",
        "queues.move_task_to_front",
    ]
    assert server.noted == [{"is_counted": True}, {"is_withdrawn": True}]
    assert server.lines == ["put back to the front of its queue: me:0: it had to"]


def test_a_task_that_was_taken_and_not_started_is_put_to_the_front_with_all_that_it_has():
    server = Server(status="queued")
    assert server.put_back() == "put back"
    assert server.endpoints[1:] == ["tasks.dequeue", "tasks.enqueue", "queues.move_task_to_front"]


def test_a_server_that_dequeues_nothing_that_is_in_no_queue_is_asked_otherwise():
    server = Server(status="queued")
    server.refuses["tasks.dequeue"] = {}
    assert server.put_back() == "put back"
    assert server.endpoints[1:4] == ["tasks.dequeue", "tasks.stopped", "tasks.enqueue"]


@pytest.mark.parametrize(
    ("case", "task"),
    [
        ({}, {"entries": ["other", TASK]}),
        ({}, {"execution": {"queue": "elsewhere"}}),
        ({"is_resumed": True, "is_withdrawn": True}, {}),
    ],
    ids=["it waits there", "somebody enqueued it elsewhere", "put back already"],
)
def test_a_queued_task_is_left_where_it_is(case, task):
    server = Server(status="queued", **task)
    assert server.put_back(**case) == "left"
    assert server.asked == []


@pytest.mark.parametrize(
    "task",
    [
        {"status": "in_progress", "last_worker": "other:1"},
        {"status": "in_progress", "last_worker": "me:01"},
        {"status": "stopped", "status_reason": "stopped by a person"},
        {"status": "created", "status_reason": ""},
        {"status": "completed"},
        {"status": "failed"},
    ],
)
def test_a_put_back_done_again_minds_what_others_did_meanwhile(task):
    server = Server(**task)
    assert server.put_back(is_resumed=True) == "left"
    assert server.asked == []


@pytest.mark.parametrize(
    ("task", "case"),
    [
        ({"status": "in_progress"}, {}),
        ({"status": "in_progress", "last_worker": None}, {}),
        ({"status": "in_progress", "last_worker": f"{ME}:service:{TASK}"}, {}),
        ({"status": "created", "status_reason": REASON}, {}),
        ({"status": "created", "status_reason": ""}, {"is_withdrawn": True}),
        ({"status": "stopped", "status_reason": REASON, "type": "controller"}, {}),
        ({"status": "queued"}, {}),
    ],
)
def test_a_put_back_done_again_goes_on_from_where_it_was(task, case):
    server = Server(**task)
    assert server.put_back(is_resumed=True, **case) == "put back"
    assert server.endpoints[-2:] == ["tasks.enqueue", "queues.move_task_to_front"]


def test_a_person_who_stopped_it_after_it_was_withdrawn_is_not_overruled():
    server = Server(status="stopped", status_reason="stopped by a person")
    assert server.put_back(is_resumed=True, is_withdrawn=True) == "left"


def test_a_task_that_was_lost_too_often_fails_also_where_the_put_back_is_done_again():
    for is_resumed in (False, True):
        server = Server(status="in_progress", hyperparams=counted(lost=MOST_LOST))
        assert server.put_back(is_lost=True, is_resumed=is_resumed) == "failed"
        assert server.endpoints == ["tasks.failed"]


def test_what_is_counted_is_not_counted_again():
    server = Server(status="in_progress", hyperparams=counted(lost=MOST_LOST))
    assert server.put_back(is_lost=True, is_resumed=True, is_counted=True) == "put back"
    assert "tasks.edit_hyper_params" not in server.endpoints


def test_lost_and_on_request_are_counted_apart():
    server = Server(status="in_progress", hyperparams=counted(lost=1, wished=5))
    server.put_back(is_lost=True)
    (item,) = server.asked[0][1]["hyperparams"]
    assert item["description"] == f"task {TASK}: lost 2 times, put back on request 5 times"


def test_an_enqueue_whose_answer_was_lost_is_no_failure():
    server = Server(status="in_progress")
    server.refuses["tasks.enqueue"] = {"status": "queued"}
    assert server.put_back() == "put back"
    assert "tasks.failed" not in server.endpoints


def test_a_task_whose_queue_is_gone_fails_and_says_so():
    server = Server(status="in_progress")
    server.refuses["tasks.enqueue"] = {"status": "created"}
    assert server.put_back() == "failed"
    assert "could not be put back into its queue" in server.lines[-1]


def test_a_task_that_somebody_is_stopping_is_stopped():
    server = Server(status="in_progress", status_message="stopping")
    assert server.put_back() == "stopped, as was asked for"


def test_a_task_that_was_handed_over_is_a_draft_again():
    server = Server(status="in_progress")
    assert server.put_back(queue="") == "put back"
    assert server.endpoints[-1] == "tasks.reset"
