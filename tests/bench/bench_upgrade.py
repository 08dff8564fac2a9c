"""An upgrade under load: what an image change by site.yml costs the work that is going on.

It makes a fleet of its own, `upgrade`, of three nodes. Tasks of 5 to 60 seconds arrive all the
time on all queues; in the middle the images of the tasks and of the agents get other digests, and
`site.yml` is run as an operator would. All the while the server is asked who serves each queue.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from fleet.local.layout import Layout
from fleet.paths import REPOSITORY
from tests.bench.processes import output

NAME = "upgrade"
IMAGES = ("cpu", "agent")
SAMPLE_SECONDS = 0.2
BEFORE_SECONDS = 45
AFTER_SECONDS = 45
# How long no task may end, for those that have not to be lost: more than the longest takes.
DRAIN_SECONDS = 180
# Seconds between the arrivals of two tasks, in the mean: four slots are busy most of the time.
ARRIVALS = {"cpu-infer": 24, "cpu-preprocess": 24, "cpu-train": 16, "services": 30}
HOSTS = {"controllers": ["controller-1"], "cpu_nodes": ["cpu-1", "cpu-2"]}
BEGAN = "the task began"
SCRIPT = "import time; print('" + BEGAN + "', flush=True); time.sleep(SECONDS)\n"
_ENDED = ("completed", "failed", "stopped", "closed", "published")


def run(echo: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and remove the fleet again."""
    inventory = REPOSITORY / ".fleet" / f"{NAME}-inventory"
    _write_inventory(inventory)
    try:
        echo("a fleet of three nodes")
        _run("fleet", "local", "up", "--no-run", f"--inventory={inventory}", timeout=1500)
        return measure(inventory, echo)
    finally:
        _run("fleet", "local", "down", "--keep-images", timeout=600)
        shutil.rmtree(inventory)


def measure(inventory: Path, echo: Callable[[str], None], name: str = NAME) -> dict[str, Any]:
    """The figures of a fleet that is up.

    Parameters
    ----------
    inventory : Path
        Of the fleet.
    echo : callable
        Takes a line for people.
    name : str
        Of the fleet.
    """
    layout = Layout(name)
    server = Server.of(layout)
    queues = {queue["name"]: queue["id"] for queue in server.call("queues.get_all")["queues"]}
    load = Load(server, {queue: queues[queue] for queue in ARRIVALS})
    watch = Watch(server, tuple(ARRIVALS))
    digests = _other_images(layout)
    with _beside(load.run), _beside(watch.run):
        echo(f"tasks of 5 to 60 s arrive for {BEFORE_SECONDS} s")
        time.sleep(BEFORE_SECONDS)
        echo("site.yml with other images")
        began = time.monotonic()
        _write_digests(layout.digests, digests)
        _run("ansible-playbook", f"--inventory={inventory}", "site.yml", timeout=900, name=name)
        site = time.monotonic() - began
        echo(f"until all agents are new, and {AFTER_SECONDS} s more")
        renewed = _wait_for_new(server, digests, began)
        time.sleep(AFTER_SECONDS)
        load.stop()
        echo("until the last task has ended")
        tasks = load.settle()
    return {
        "site_s": site,
        "all_new_s": renewed,
        "samples": watch.samples,
        "longest_sample_gap_s": watch.longest_between,
        **tasks,
        "no_agent_s": max(watch.no_agent.values()),
        "no_taking_agent_s": max(watch.no_taker.values()),
        **{f"no_taking_agent_{queue}_s": gap for queue, gap in watch.no_taker.items()},
    }


@dataclass
class Server:
    """The fleet's server, by plain requests: the SDK's session is not for several threads."""

    url: str
    key: tuple[str, str]

    @classmethod
    def of(cls, layout: Layout) -> Server:
        """As the fleet's own configuration says."""
        text = (layout.state / "server" / "clearml.conf").read_text()
        found = dict(re.findall(r'(api_server|access_key|secret_key)"?\s*[:=]\s*"([^"]+)"', text))
        return cls(found["api_server"], (found["access_key"], found["secret_key"]))

    def call(self, endpoint: str, **data: Any) -> dict[str, Any]:
        """The `data` of one answer."""
        answer = requests.post(f"{self.url}/{endpoint}", json=data, auth=self.key, timeout=20)
        answer.raise_for_status()
        return answer.json()["data"]


@dataclass
class Watch:
    """Who serves each queue, looked at all the time.

    Attributes
    ----------
    no_agent, no_taker : dict of str to float
        Queue → longest time, in seconds, in which no agent was registered for it; and in which
        none was that takes tasks, or will when it has ended the one in hand. Counted from the
        last look that saw one.
    samples : int
        How often it was looked.
    longest_between : float
        Longest time between two looks, in seconds; what is shorter was not seen.
    """

    server: Server
    queues: tuple[str, ...]
    no_agent: dict[str, float] = field(default_factory=dict)
    no_taker: dict[str, float] = field(default_factory=dict)
    samples: int = 0
    longest_between: float = 0.0

    def run(self, over: threading.Event) -> None:
        """Look until it is over."""
        self.no_agent = dict.fromkeys(self.queues, 0.0)
        self.no_taker = dict.fromkeys(self.queues, 0.0)
        since: dict[tuple[int, str], float] = {}
        last = time.monotonic()
        while not over.wait(SAMPLE_SECONDS):
            workers = self.server.call("workers.get_all")["workers"]
            now = time.monotonic()
            self.samples += 1
            self.longest_between = max(self.longest_between, now - last)
            # What is not there now may have gone right after the look before.
            before, last = last, now
            takers = [worker for worker in workers if not _rests(worker)]
            for kind, (longest, there) in enumerate(
                ((self.no_agent, workers), (self.no_taker, takers))
            ):
                served = {queue["name"] for worker in there for queue in worker["queues"]}
                for queue in self.queues:
                    if queue in served:
                        begin = since.pop((kind, queue), now)
                    else:
                        begin = since.setdefault((kind, queue), before)
                    longest[queue] = max(longest[queue], now - begin)


class Load:
    """Tasks that arrive all the time."""

    def __init__(self, server: Server, queues: Mapping[str, str]) -> None:
        self._server = server
        self._queues = queues
        self._tasks: list[str] = []
        self._stopped = threading.Event()
        self._random = random.Random(4)

    def run(self, over: threading.Event) -> None:
        """Send tasks until it is told to stop."""
        due = {queue: self._random.uniform(0, mean) for queue, mean in ARRIVALS.items()}
        begin = time.monotonic()
        while not (over.is_set() or self._stopped.wait(0.2)):
            for queue, moment in due.items():
                if time.monotonic() - begin < moment:
                    continue
                self._send(queue)
                due[queue] += self._random.expovariate(1 / ARRIVALS[queue])

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()

    def settle(self) -> dict[str, int]:
        """Wait for the tasks' ends, as long as any ends, and count them."""
        ended, end = -1, 0.0
        while True:
            found = self._server.call(
                "tasks.get_all", id=self._tasks, only_fields=["status"], page_size=500
            )["tasks"]
            states = [task["status"] for task in found]
            now_ended = sum(state in _ENDED for state in states)
            if now_ended > ended:
                ended, end = now_ended, time.monotonic() + DRAIN_SECONDS
            if now_ended == len(self._tasks) or time.monotonic() > end:
                break
            time.sleep(1)
        return {
            "tasks": len(self._tasks),
            "tasks_completed": states.count("completed"),
            "tasks_stopped": states.count("stopped"),
            "tasks_failed": states.count("failed"),
            # neither ended, though nothing else has for long, nor known
            "tasks_lost": len(self._tasks) - now_ended,
            "tasks_begun_twice": sum(self._began(task) > 1 for task in self._tasks),
        }

    def _send(self, queue: str) -> None:
        seconds = self._random.triangular(5, 60, 10)
        script = {
            "binary": "python3",
            "repository": "",
            "entry_point": "task.py",
            "working_dir": ".",
            "diff": SCRIPT.replace("SECONDS", f"{seconds:.1f}"),
            "requirements": {},
        }
        task = self._server.call(
            "tasks.create", name="load", type="testing", script=script, tags=["bench"]
        )["id"]
        self._server.call("tasks.enqueue", task=task, queue=self._queues[queue])
        self._tasks.append(task)

    def _began(self, task: str) -> int:
        events = self._server.call("events.get_task_log", task=task, batch_size=1000, order="asc")[
            "events"
        ]
        return sum(line.strip() == BEGAN for event in events for line in event["msg"].splitlines())


@contextmanager
def _beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have something run beside, to its end; what it raised is raised."""
    over = threading.Event()
    raised: list[Exception] = []

    def target() -> None:
        try:
            work(over)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
    if raised:
        raise raised[0]


def _rests(worker: Mapping[str, Any]) -> bool:
    return any(tag.startswith("state:") for tag in worker.get("tags") or ())


def _other_images(layout: Layout) -> dict[str, str]:
    """Digest that is rolled out → digest of the same image with one more label, pushed."""
    record = layout.read_record()
    changed = {}
    text = layout.digests.read_text()
    for name in IMAGES:
        entry = re.search(rf"^ *{name}:\n((?:    .*\n)+)", text, re.MULTILINE)[1]
        repository = re.search(r"repository: (\S+)", entry)[1]
        old = re.search(r"digest: (sha256:\w+)", entry)[1]
        place = f"{_host_registry(layout, record)}/{repository}"
        tag = f"{place}:upgrade"
        recipe = f"FROM {place}@{old}\nLABEL fleet.bench={time.time_ns()}\n"
        subprocess.run(
            ["docker", "build", "--quiet", f"--tag={tag}", "-"],
            input=recipe,
            text=True,
            check=True,
            capture_output=True,
            timeout=300,
        )
        pushed = _run("docker", "push", tag, timeout=600)
        changed[old] = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed)[1]
        _run("docker", "image", "rm", tag, timeout=60)
    return changed


def _host_registry(layout: Layout, record: Mapping[str, Any]) -> str:
    """Where this machine's own Docker pushes to: the registry's port on loopback."""
    container = f"fleet-{layout.name}-registry"
    port = _run("docker", "port", container, "5000/tcp", timeout=60).split(":")[-1].strip()
    return f"127.0.0.1:{port}" if port else record["registry"]


def _write_digests(path: Path, changed: Mapping[str, str]) -> None:
    text = path.read_text()
    for old, new in changed.items():
        text = text.replace(old, new)
    path.write_text(text)


def _wait_for_new(server: Server, digests: Mapping[str, str], began: float) -> float:
    """Seconds until no worker says that it runs from an old image any more."""
    while time.monotonic() - began < 900:
        tags = {
            tag
            for worker in server.call("workers.get_all")["workers"]
            for tag in worker.get("tags") or ()
        }
        if not any(old in tag for old in digests for tag in tags):
            return time.monotonic() - began
        time.sleep(0.5)
    raise TimeoutError("some agents are still the old ones")


def _write_inventory(folder: Path) -> None:
    """The local inventory's variables, and three hosts; as far below the root as its own."""
    shutil.copytree(REPOSITORY / "inventories" / "local", folder, dirs_exist_ok=True)
    groups = {group: {"hosts": {host: {} for host in hosts}} for group, hosts in HOSTS.items()}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}))


def _run(*command: str, timeout: float, name: str = NAME) -> str:
    kept = {key: value for key, value in os.environ.items() if key != "CLEARML_CONFIG_FILE"}
    program = REPOSITORY / ".venv" / "bin" / command[0]
    return output(
        [program if program.exists() else command[0], *command[1:]],
        folder=REPOSITORY / "ansible" if command[0] == "ansible-playbook" else REPOSITORY,
        environment={**kept, "FLEET_LOCAL_NAME": name},
        timeout=timeout,
    )
