"""The real agent runs the step code of a template: what it writes on a task is no difference.

Slow because the agent clones the code and runs it twice.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY
from fleet.spec.models import Policy
from fleet.templates import StepCode, template_content
from ml.catalog import PHASES
from ml.runtime.conventions import TEMPLATE_PROJECT, template_mark, template_tags
from tests.contract.agent.conftest import QUEUE, wait_for
from tests.own_contract import SPEC as CONTRACT

SPEC = CONTRACT.model_copy(update={"policy": Policy(entry="both")})
DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
ENDED = ("completed", "failed", "stopped")
DIFF = """diff --git a/README.md b/README.md
--- a/README.md
+++ b/README.md
@@ -1 +1,2 @@
{first}
+More.
"""


@pytest.fixture
def code(tmp_path: Path) -> StepCode:
    """The last commit of this checkout, in a repository of its own."""
    remote = tmp_path / "remote.git"
    command = ["git", "clone", "-q", "--bare", "--depth", "1", f"file://{REPOSITORY}", str(remote)]
    subprocess.run(command, check=True, capture_output=True)
    found = subprocess.run(
        ["git", "-C", str(remote), "rev-parse", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    )
    return StepCode(f"file://{remote}", found.stdout.strip())


def test_a_clone_as_it_was_made_passes_and_one_with_a_diff_is_refused(server, start_agent, code):
    content = template_content(
        SPEC, PHASES["training"], code, registry="registry:5000", digests=DIGESTS
    )
    project = server.call("projects.create", name=TEMPLATE_PROJECT, description="")["id"]
    template = server.call("tasks.create", project=project, **content)["id"]
    tags = [*template_tags("training"), template_mark(template)]
    server.call("tasks.edit", task=template, tags=tags)
    # the checkout names its branches otherwise than templates do
    server.call("tasks.edit", task=template, script={**content["script"], "branch": ""})
    script = server.call("tasks.get_by_id", task=template)["task"]["script"]
    first = subprocess.run(
        ["git", "-C", str(REPOSITORY), "show", f"{code.commit}:README.md"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()[0]
    clean, edited = (
        server.call("tasks.clone", task=template, new_task_name=name)["id"]
        for name in ("clean", "edited")
    )
    diff = DIFF.format(first=f" {first}")
    server.call("tasks.edit", task=edited, script={**script, "diff": diff})
    for task in (clean, edited):
        server.call("tasks.enqueue", task=task, queue_name=QUEUE)
    agent = start_agent()

    wait_for(lambda: server.status(edited) in ENDED, seconds=120)

    found = server.call("tasks.get_by_id", task=clean)["task"]
    said = agent.log.read_text()
    # it got as far as its inputs, which are not there
    assert _property(found, "failure_class") == "data-access", said
    assert "no task is named" in _property(found, "failure")
    assert json.loads(found["configuration"]["environment"]["value"])["packages"]["pandas"]
    found = server.call("tasks.get_by_id", task=edited)["task"]
    assert _property(found, "failure_class") == "override", said
    assert _property(found, "failure").endswith("its template training: uncommitted changes")


def _property(task: dict, name: str) -> str:
    """A user property: the agent may write the exit code over the reason that the step gave."""
    return task["hyperparams"]["properties"][name]["value"]
