"""The controller of a pipeline with 50 steps: what it asks of the server, and of its node.

The real controller runs against the embedded server, once as the SDK has it and once as the fleet
runs it. No agent takes part: a thread takes the steps from their queue, has each run for some
seconds and completes it. Only the controller's requests and CPU time are counted.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.clearml_api import Api, connect
from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues
from fleet.templates import StepCode, publish
from tests.bench.processes import output
from tests.own_contract import SPEC

TRAININGS = 46  # with registration, preprocessing, summary and prediction: 50 steps
STEP_SECONDS = 30
# in the middle, when all models train and none ends
QUIET_SECONDS = 12
CODE = StepCode("git://example/fleet.git", "a" * 40)
DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
_STEPS = "cpu-train"
# the steps before and after the trainings, as they are taken
_ALONE = (0, 1, TRAININGS + 2, TRAININGS + 3)
_COMPARED = (
    "requests",
    "megabytes",
    "cpu_share",
    "waiting_requests_per_poll",
    "waiting_cpu_share",
)
_CONTROLLER = """
import collections, json, sys, threading, time
from clearml import Task
from clearml.backend_api import Session
from ml.pipeline import PlannedStep
from ml.runtime import controller, polling
from ml.runtime.origin import StepList
from ml.runtime.routing import Routing
from ml.runtime.server import Server

variant, trainings, queue, quiet = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if variant == "sdk":
    for name in ("_update_nodes_status", "_update_progress", "_update_execution_plot",
                 "_get_target_project"):
        delattr(polling.FrugalController, name)
asked, sent = [], [0]
send = Session.send_request

def counted(self, service, action, *given, **named):
    asked.append((time.monotonic(), f"{service}.{action}"))
    body = named.get("json") or named.get("data") or ""
    sent[0] += len(body if isinstance(body, (str, bytes)) else json.dumps(body))
    return send(self, service, action, *given, **named)

Session.send_request = counted
task = Task.init(auto_connect_frameworks=False, auto_resource_monitoring=False)
server = Server(task.session)
def planned(name, phase, parents=(), detail=None):
    return PlannedStep(name, phase, tuple(parents), detail=detail, may_fail=True)

models = [planned(f"training-m{i:02}", "training", ["preprocessing"], f"m{i:02}")
          for i in range(trainings)]
plan = [planned("data-registration", "data-registration"),
        planned("preprocessing", "preprocessing", ["data-registration"]), *models,
        planned("training-summary", "training-summary", [one.name for one in models]),
        planned("inference-batch", "inference-batch", ["training-summary"])]
phases = {one.phase for one in plan}
routing = Routing(queues=dict.fromkeys(phases, [queue]))
steps = StepList(server, task.id, {})
# all trainings run from the time that the last was sent, for as long as each takes at least
began, cpu, cpu_at, first = time.monotonic(), time.process_time(), [], len(asked)

def look_at_cpu():
    while True:
        cpu_at.append((time.monotonic(), time.process_time()))
        time.sleep(0.1)

threading.Thread(target=look_at_cpu, daemon=True).start()
controller.run_plan(plan, "r1", routing, server, steps)
ended, used = time.monotonic(), time.process_time() - cpu
asked = asked[first:]
sent_at = [moment for moment, name in asked if name == "tasks.enqueue"]
start = sent_at[trainings + 1] + 2
end = start + quiet
waiting = collections.Counter(name for moment, name in asked if start <= moment < end)
quiet_cpu = [used for moment, used in cpu_at if start <= moment < end]
print(json.dumps({
    "seconds": ended - began,
    "requests": len(asked),
    "requests_per_step": len(asked) / len(plan),
    "megabytes": sent[0] / 1e6,
    "cpu_share": used / (ended - began),
    "waiting_requests_per_poll": sum(waiting.values()) / quiet,
    "waiting_cpu_share": (quiet_cpu[-1] - quiet_cpu[0]) / quiet,
    "most": [collections.Counter(name for _, name in asked).most_common(8), dict(waiting)],
}), file=sys.stderr)
"""


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure both, one after the other."""
    figures: dict[str, float] = {"steps": TRAININGS + 4}
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as (api, config):
        for variant in ("sdk", "fleet"):
            echo(f"{TRAININGS + 4} steps of {STEP_SECONDS} s, the {variant}'s controller")
            found = _controlled(api, config, variant)
            echo(f"most asked: {found.pop('most')}")
            figures |= {f"{variant}_{name}": value for name, value in found.items()}
    for name in (
        "requests",
        "megabytes",
        "cpu_share",
        "waiting_requests_per_poll",
        "waiting_cpu_share",
    ):
        figures[f"{name}_ratio"] = figures[f"fleet_{name}"] / figures[f"sdk_{name}"]
    return figures


def _controlled(api: Api, config: Path, variant: str) -> dict[str, float]:
    task = api.call("tasks.create", name="controller", type="controller", project=_project(api))
    api.call("tasks.started", task=task["id"], force=True)
    over = threading.Event()
    taker = threading.Thread(target=_complete_steps, args=(api, over), daemon=True)
    taker.start()
    try:
        words = [
            sys.executable,
            "-c",
            _CONTROLLER,
            variant,
            str(TRAININGS),
            _STEPS,
            str(QUIET_SECONDS),
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(config.parent),
            "CLEARML_CONFIG_FILE": str(config),
            "CLEARML_TASK_ID": task["id"],
            "PYTHONPATH": str(REPOSITORY),
        }
        said = output(words, folder=REPOSITORY, environment=environment, timeout=600)
    finally:
        over.set()
        taker.join()
    line = next(line for line in reversed(said.splitlines()) if line.startswith('{"seconds"'))
    return json.loads(line)


def _complete_steps(api: Api, over: threading.Event) -> None:
    """What agents would do: take each step, and complete it when its time has passed."""
    (queue,) = [item["id"] for item in api.queues() if item["name"] == _STEPS]
    due: list[tuple[float, str]] = []
    taken = 0
    while not over.wait(0.05):
        entry = api.call("queues.get_next_task", queue=queue).get("entry")
        if entry:
            api.call("tasks.started", task=entry["task"], force=True)
            # the models end one after the other; what stands alone is short
            seconds = 2 if taken in _ALONE else STEP_SECONDS * (0.7 + 0.3 * taken / TRAININGS)
            due.append((time.monotonic() + seconds, entry["task"]))
            taken += 1
        for moment, task in [one for one in due if one[0] <= time.monotonic()]:
            api.call("tasks.completed", task=task, force=True)
            due.remove((moment, task))


def _project(api: Api) -> str:
    return api.call("projects.create", name=f"bench/{time.monotonic_ns()}")["id"]


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Api, Path]]:
    """The embedded server with the templates, and a worker that stays alive."""
    words = [str(REPOSITORY / ".venv/bin/fleet"), "server", f"--data={folder}"]
    words += ["--port=0", "--files-port=0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            if not any(re.fullmatch("ready", line.strip()) for line in server.stdout):
                raise RuntimeError("the embedded server ended")
            config = folder / "clearml.conf"
            api = connect(config)
            ensure_queues(api, SPEC.queues)
            publish(api, SPEC, CODE, registry="registry:5000", digests=DIGESTS)
            queues = [queue["id"] for queue in api.queues()]
            api.call("workers.register", worker="bench:0", queues=queues, timeout=3600)
            now = int(time.time() * 1000)
            api.call("workers.status_report", worker="bench:0", queues=queues, timestamp=now)
            yield api, config
        finally:
            server.send_signal(signal.SIGTERM)
