"""From enqueue to the task's first line and to its end: our agent, the stock one, and the floor.

One run, one machine, one image, one trivial task whose code is cloned. Both agents and the tasks
run on this machine's Docker Engine; ours with what the role clearml_agent writes, the other with
its own settings. The floor is what no arrangement saves: a container of the image, one import of
clearml_agent and one of clearml.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fleet.images import build
from tests.bench.one_node import Server, our_agent, server, step_code, stock_agent, temporary_folder

OURS_RUNS = 12
STOCK_RUNS = 3
FLOOR_RUNS = 5
JOB = """\
import time
print("bench began", time.time(), flush=True)
import json, math, random
from clearml import Task
task = Task.init()
print("bench ready", time.time(), flush=True)
"""
LAST_LINE = "bench ended"
FLOOR = [
    "bash",
    "-c",
    "python3 -c 'import clearml_agent.commands' && python3 -c 'import clearml'",
]


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure medians in seconds: to the first line, to after `Task.init`, and to the end."""
    images = {name: image.image_id for name, image in build(("agent", "cpu"), echo=echo).items()}
    figures: dict[str, float] = {"load_average": os.getloadavg()[0]}
    with temporary_folder() as name:
        folder = Path(name)
        job = JOB + f"print({LAST_LINE!r}, flush=True)\n"
        with (
            server(folder / "server") as remote,
            step_code(folder, "steps", {"job.py": job}) as code,
        ):
            for queue in ("ours", "stock"):
                remote.call("queues.create", name=queue)
            with (
                our_agent(folder, remote, "ours", images),
                stock_agent(folder, remote, "stock", images["cpu"]),
            ):
                figures |= _measured(remote, code, echo)
    echo("the floor")
    figures["floor_s"] = statistics.median(_floor(images["cpu"]) for _ in range(FLOOR_RUNS))
    for what in ("start", "done"):
        figures[f"stock_to_ours_{what}"] = figures[f"stock_{what}_s"] / figures[f"ours_{what}_s"]
    figures["ours_done_to_floor"] = figures["ours_done_s"] / figures["floor_s"]
    return figures


def _measured(
    remote: Server, code: tuple[str, str], echo: Callable[[str], None]
) -> dict[str, float]:
    """Medians of warm runs, the two agents' in turn: what else the machine does meets both."""
    spans: dict[str, list[dict[str, float]]] = {"ours": [], "stock": []}

    def once(who: str) -> dict[str, float]:
        found = _one(remote, who, code)
        echo(f"{who}: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in found.items()))
        return found

    echo("the first of each clones and fills caches; it does not count")
    for who in spans:
        once(who)
    for _ in range(STOCK_RUNS):
        spans["stock"].append(once("stock"))
        for number in range(OURS_RUNS // STOCK_RUNS):
            time.sleep(0.37 * (number % 3))  # not in step with the agent's polls
            spans["ours"].append(once("ours"))
    return {
        f"{who}_{name}_s": statistics.median(span[name] for span in found)
        for who, found in spans.items()
        for name in ("start", "ready", "done")
    }


def _one(remote: Server, queue: str, code: tuple[str, str]) -> dict[str, float]:
    """One task: seconds from its enqueueing to its lines and to its end."""
    repository, commit = code
    script = {
        "binary": "python3",
        "repository": repository,
        "version_num": commit,
        "entry_point": "job.py",
        "working_dir": ".",
        "requirements": {"pip": "clearml\n"},
    }
    task = remote.call("tasks.create", name="latency", type="testing", script=script)["id"]
    begun = time.time()
    remote.call("tasks.enqueue", task=task, queue_name=queue)
    over = remote.wait(task, 300)
    lines = remote.log(task)
    said = dict(
        line.split()[1:] for line in lines if line.startswith("bench ") and len(line.split()) == 3
    )
    if LAST_LINE not in lines:
        raise RuntimeError(f"the console of task {task} lacks its end")
    return {
        "start": float(said["began"]) - begun,
        "ready": float(said["ready"]) - begun,
        "done": datetime.fromisoformat(over["completed"]).timestamp() - begun,
    }


def _floor(image: str) -> float:
    started = time.monotonic()
    subprocess.run(
        ["docker", "run", "--rm", "--network=host", image, *FLOOR],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return time.monotonic() - started
