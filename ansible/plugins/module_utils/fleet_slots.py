"""The agents of a node, as its engine and their own folders tell of them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.fleet_engine import docker

_STATE_SECONDS = 20
# What an agent says as long as no signal has reached it.
_UNTOLD = frozenset({"standing-by", "idle", "busy", "draining", "drained"})


class Agent:
    """The container of one agent.

    Attributes
    ----------
    slot, group, worker : str
        Its slot, the node group of it, and its worker on the server.
    container, service : str
        Names of its container, and of its service in the project.
    running, healthy, leaving : bool
        Whether it runs; whether its health check does not say otherwise; whether it was told to
        leave, so that nothing starts it again, or at least was about to be (see `untold`).
    """

    def __init__(self, inspected):
        labels = inspected["Config"]["Labels"] or {}
        state = inspected["State"]
        self.container = inspected["Name"].lstrip("/")
        self.service = labels.get("com.docker.compose.service", "")
        self.slot = labels.get("fleet.slot", "")
        self.group = labels.get("fleet.group", "")
        self.running = bool(state.get("Running"))
        self.healthy = (state.get("Health") or {}).get("Status") != "unhealthy"
        self.leaving = inspected["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
        self.worker = _variable(inspected, "CLEARML_WORKER_ID")


def agents(engine, project):
    """The agents of a project, stopped ones too, in the order of their slots."""
    found = engine.containers(com__docker__compose__project=project, fleet__slot="")
    return sorted(map(Agent, found), key=lambda agent: (agent.slot, agent.container))


def states(found):
    """What agents that run say of themselves; all are asked at once.

    Parameters
    ----------
    found : list of Agent
        Whom to ask.

    Returns
    -------
    list of dict
        For each `slot`, `container`, `worker`, `leaving`, `state` and `task`; `stopped` is the
        state of one that does not run, `unknown` of one that does not say.
    """
    if not found:
        return []
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(_state, found))


def untold(found):
    """Those of some agents that run on as if nobody had told them to leave."""
    return [
        agent for agent, said in zip(found, states(found), strict=True) if said["state"] in _UNTOLD
    ]


def _state(agent):
    said = {"state": "stopped", "task": None}
    if agent.running:
        said = _said(agent)
    return {
        "slot": agent.slot,
        "container": agent.container,
        "worker": agent.worker,
        "leaving": agent.leaving,
        "state": said.get("state", "unknown"),
        "task": said.get("task"),
    }


def _said(agent):
    command = ("exec", agent.container, "fleet-agent", "state")
    status, output = docker(*command, timeout=_STATE_SECONDS)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if status == 0 and lines:
        try:
            return json.loads(lines[-1])
        except ValueError:
            pass
    return {"state": "unknown", "task": None}


def _variable(inspected, name):
    prefix = f"{name}="
    values = (text for text in inspected["Config"]["Env"] or [] if text.startswith(prefix))
    return next((text.removeprefix(prefix) for text in values), "")
