"""The tasks on the server: made for slots, and removed when they are old."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.clearml_api import Api, ApiError
from fleet.templates import StepCode
from ml.runtime.parameters import fields
from ml.smoke.parameters import Parameters

SMOKE_PROJECT = "fleet/smoke"
SMOKE_TAG = "smoke"
#: How many tasks of a slot are kept, the newest of them.
KEPT = 3
_RUNNING = ("queued", "in_progress")
_NO_SUCH_TASK = 101


@dataclass(frozen=True)
class SmokeSlot:
    """What is expected of a slot: the part of its plan that a task can see.

    Attributes
    ----------
    node, name : str
        The node, and the slot's name on it.
    image : str
        Reference of the task image, by digest.
    mounts : mapping of str to bool
        Folder in the container → whether it can be written.
    object_stores : mapping of str to str
        Address of a bucket → its region, or an empty text.
    gpus : int
        Number of its devices.
    """

    node: str
    name: str
    image: str
    mounts: Mapping[str, bool] = field(default_factory=dict)
    object_stores: Mapping[str, str] = field(default_factory=dict)
    gpus: int = 0

    @classmethod
    def from_plan(cls, node: str, slot: Mapping[str, Any]) -> SmokeSlot:
        """Of a slot as :func:`fleet.plan.as_data` gives it."""
        return cls(
            node,
            slot["name"],
            slot["image"],
            {mount["target"]: mount["writable"] for mount in slot["mounts"]},
            {store["url"]: store.get("region", "") for store in slot["object_stores"]},
            len(slot["devices"]),
        )

    @property
    def task_name(self) -> str:
        """Name of its tasks."""
        return f"smoke {self.node} {self.name}"


def create_tasks(api: Api, slots: Iterable[SmokeSlot], code: StepCode) -> dict[str, dict[str, str]]:
    """Make a task for each slot; no queue has it, it is handed to the slot's agent.

    Parameters
    ----------
    api : Api
        The server.
    slots : iterable of SmokeSlot
        One task each.
    code : StepCode
        Where the agents clone the step code from, and which commit.

    Returns
    -------
    dict of str to dict
        Node → slot → id of its task.
    """
    wanted = list(slots)
    if not wanted:
        return {}
    project = smoke_project(api) or api.call(
        "projects.create", name=SMOKE_PROJECT, description="Proof that each slot runs a task"
    ).get("id")
    made: dict[str, dict[str, str]] = {}
    for slot in wanted:
        made.setdefault(slot.node, {})[slot.name] = _create(api, slot, code, str(project))
    return made


def remove_old(api: Api, *, keep: int = KEPT) -> int:
    """Remove all but the newest tasks of each slot; gives how many were removed.

    What runs is left alone.
    """
    project = smoke_project(api)
    if project is None:
        return 0
    found = defaultdict(list)
    for task in api.tasks(
        project=[project],
        tags=[SMOKE_TAG],
        order_by=["-created"],
        only_fields=["id", "name", "status"],
        search_hidden=True,
    ):
        found[task["name"]].append(task)
    removed = 0
    for tasks in found.values():
        for task in tasks[keep:]:
            if task["status"] in _RUNNING:
                continue
            try:
                api.call("tasks.delete", task=task["id"], force=True)
            except ApiError as error:
                if error.subcode != _NO_SUCH_TASK:  # another playbook was faster
                    raise
            removed += 1
    return removed


def smoke_project(api: Api) -> str | None:
    """Id of the project that the tasks lie in; None where there was none yet."""
    found = api.call("projects.get_all", name=f"^{SMOKE_PROJECT}$", search_hidden=True)
    return next((project["id"] for project in found["projects"]), None)


def _create(api: Api, slot: SmokeSlot, code: StepCode, project: str) -> str:
    values = {
        "Slot/node": slot.node,
        "Slot/name": slot.name,
        "Expected/image": slot.image,
        "Expected/commit": code.commit,
        "Expected/mounts": json.dumps(
            {target: "write" if writable else "read" for target, writable in slot.mounts.items()}
        ),
        "Expected/object_stores": json.dumps(dict(slot.object_stores)),
        "Expected/gpus": str(slot.gpus),
    }
    sections: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in fields(Parameters):
        sections[one.section][one.name] = {
            "section": one.section,
            "name": one.name,
            "value": values[one.path],
            "type": one.type,
            "description": one.help,
        }
    return api.call(
        "tasks.create",
        project=project,
        name=slot.task_name,
        type="testing",
        comment="Made by site.yml or smoke.yml to prove a slot",
        tags=[SMOKE_TAG],
        script={
            "repository": code.repository,
            "branch": code.branch,
            "version_num": code.commit,
            "working_dir": ".",
            "entry_point": "-m ml.smoke",
            "binary": "python3",
            "diff": "",
            "requirements": {},
        },
        container={"image": slot.image, "arguments": "", "setup_shell_script": ""},
        hyperparams=dict(sections),
    )["id"]
