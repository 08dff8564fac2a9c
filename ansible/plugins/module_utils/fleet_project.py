"""The agents of a node become what a Compose project says, and no task is lost on the way.

A new agent of a slot is started beside the old one and stands by; only when it does is the old one
told to leave, which it does when its task is over.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.fleet_engine import docker
from ansible.module_utils.fleet_slots import agents, states, untold

_GENERATION = re.compile(r'^ +container_name: "(?P<name>[^"]+\.[0-9a-f]{8})"$', re.MULTILINE)
_LOOK_SECONDS = 0.5
_HEALTH_SECONDS = 20
# An agent that was told says so within this time; another signal would cost it its task.
_TOLD_SECONDS = 10
# A task that is put back is ended first, and the server told.
_PUT_BACK_SECONDS = 90
_LOG_LINES = "4"
# How often the same settings may have come back while an agent that had them still leaves.
_SAME = 16


class ProjectError(Exception):
    """The agents could not be made what they should be; the message says which and why."""


class Report:
    """What was done, or in a dry run would be.

    Attributes
    ----------
    pulled : list of str
        Images that were not there.
    started : list of str
        Containers that were started.
    told : list of str
        Containers that were told to leave.
    removed : list of str
        Containers that had ended and were removed.
    leaving : list of dict
        Agents that still finish a task: `slot`, `container`, `task`.
    """

    def __init__(self):
        self.pulled, self.started, self.told, self.removed = [], [], [], []
        self.leaving = []

    @property
    def changed(self):
        """Whether anything was done."""
        return bool(self.pulled or self.started or self.told or self.removed)


def generations(text):
    """The containers of a project, by its text as the role writes it."""
    return [found["name"] for found in _GENERATION.finditer(text)]


def beside_leaving(text, found, lost=()):
    """The project's text with other names for agents of whom one of that name is leaving.

    What was set back to what it was before shall not wait for the task of the agent that leaves.
    Nor does an agent stay whose folder was removed: its container would never see another one.

    Parameters
    ----------
    text : str
        The project.
    found : list of Agent
        What is there.
    lost : collection of str
        Node groups whose folder was removed.
    """
    leaving = {agent.container for agent in found if agent.leaving or agent.group in lost}
    at_work = {agent.container for agent in found if agent.running} - leaving
    for name in generations(text):
        names = [f"{name[:-8]}{(int(name[-8:], 16) + more) % 16**8:08x}" for more in range(_SAME)]
        free = [other for other in names if other not in leaving]
        # One that was started beside an agent that has left since is as good as the first.
        chosen = next((other for other in names if other in at_work), free[0] if free else name)
        # No slot has the generation of another: it is a hash of settings that name the slot.
        text = text.replace(name[-8:], chosen[-8:])
    return text


def say_not_left(leaving):
    """What to tell of agents that were to put their tasks back, and are there.

    Parameters
    ----------
    leaving : list of dict
        As `Report` has them.
    """
    told = "; ".join(
        f"{agent['container']}" + (f" with task {agent['task']}" if agent["task"] else "")
        for agent in leaving
    )
    return (
        f"agents that were told to put their tasks back are still there: {told}; fix: see `docker "
        f"logs {leaving[0]['container']}` on the machine (an agent tells the server first: does it "
        "answer?), then run the playbook again"
    )


class Project:
    """A node's agents.

    Parameters
    ----------
    engine : Engine
        The node's engine.
    name, directory : str
        Of the Compose project; its compose.yaml lies in the directory.
    wanted : list of str
        Containers that shall be there.
    """

    def __init__(self, engine, name, directory, wanted):
        self._engine, self._name, self._directory = engine, name, directory
        self._wanted = wanted
        self.report = Report()

    def plan(self, images):
        """What would be done; nothing is."""
        found = self._agents()
        here = {agent.container for agent in found if agent.running}
        self.report.pulled = [image for image in images if not self._engine.has_image(image)]
        self.report.started = [name for name in self._wanted if name not in here]
        others = [agent for agent in found if agent.container not in self._wanted]
        leaving = [a for a in others if a.running and a.leaving]
        forgotten = untold(leaving)
        self.report.told = [a.container for a in others if a.running and not a.leaving]
        self.report.told += [agent.container for agent in forgotten]
        self.report.removed = [a.container for a in others if not a.running]
        self.report.leaving = [_leaver(a) for a in leaving if a not in forgotten]

    def pull(self, images):
        """Have images on the node, so that the first task does not wait for them."""
        missing = [image for image in images if not self._engine.has_image(image)]
        for image in missing:
            status, said = docker("pull", "--quiet", image)
            if status != 0:
                raise ProjectError(
                    f"the image {image} cannot be pulled: {' '.join(said.split())}; fix: see that "
                    "the machine reaches the registry, and that the image was pushed there"
                )
        self.report.pulled = missing

    def start(self, seconds):
        """Start what is missing, beside what is there, and wait until it polls or stands by."""
        running = {agent.container for agent in self._agents() if agent.running}
        missing = [name for name in self._wanted if name not in running]
        if missing:
            self._up(missing)
            self.report.started = missing
        # One that was ill the last time is ill still: nobody leaves for it.
        self._await_health(self._wanted, seconds)

    def hand_over(self, seconds):
        """Tell agents that are not wanted to leave, and wait a while for those that are idle."""
        others = self._leaving()
        told = [agent for agent in others if not agent.leaving]
        # What tells them may have been cut between its two steps.
        told += self._forgotten([agent for agent in others if agent.leaving])
        for agent in told:
            # First this, so that a machine that fails now does not start it again.
            self._engine.keep_stopped(agent.container)
            self._engine.terminate(agent.container)
            self.report.told.append(agent.container)
        if told:
            self._await_gone(seconds, idle_only=True)

    def await_tasks(self, seconds):
        """Wait until the agents that leave are gone, their tasks being over."""
        if seconds > 0:
            self._await_gone(seconds, idle_only=False)

    def put_back(self):
        """Have the agents that leave put their tasks back in their queues."""
        for agent in self._leaving():
            self._engine.terminate(agent.container)
        self._await_gone(_PUT_BACK_SECONDS, idle_only=False)

    def clear(self):
        """Remove agents that have ended, and note those that have not."""
        for agent in self._agents():
            if agent.container in self._wanted:
                continue
            if agent.running:
                self.report.leaving.append(_leaver(agent))
            else:
                self._engine.remove(agent.container)
                self.report.removed.append(agent.container)

    def groups(self):
        """Node groups of whom an agent is still there."""
        return {agent.group for agent in self._agents() if agent.running}

    def _agents(self):
        return agents(self._engine, self._name)

    def _leaving(self):
        return [a for a in self._agents() if a.running and a.container not in self._wanted]

    def _forgotten(self, leaving):
        """Those that go on saying that nobody told them, and not only until they notice."""
        deadline = time.monotonic() + _TOLD_SECONDS
        found = untold(leaving)
        while found and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            found = untold(found)
        return found

    def _up(self, missing):
        services = [name.removeprefix(f"{self._name}-") for name in missing]
        status, said = docker(
            *("compose", "--ansi=never", "--progress=quiet"),
            *("--project-directory", self._directory, "up", "--detach", "--no-recreate", *services),
            env={"COMPOSE_IGNORE_ORPHANS": "true"},
        )
        if status != 0:
            raise ProjectError(f"Docker Compose could not start the agents: {said.strip()[-2000:]}")

    def _await_health(self, names, seconds):
        deadline = time.monotonic() + seconds
        with ThreadPoolExecutor(max_workers=8) as pool:
            while True:
                well = zip(names, pool.map(_well, names), strict=True)
                ill = [name for name, polls in well if not polls]
                if not ill:
                    return
                if time.monotonic() > deadline:
                    break
                time.sleep(_LOOK_SECONDS)
        told = "\n".join(f"{name}:\n{_log(name)}" for name in ill)
        raise ProjectError(
            f"not all agents poll within {seconds} s; those before them, if any, go on working. "
            f"What they last said:\n{told}\nFix what they name (the server's address, the "
            "credentials, the queues) and run site.yml again."
        )

    def _await_gone(self, seconds, *, idle_only):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            leaving = self._leaving()
            if not leaving or (idle_only and all(one["task"] for one in states(leaving))):
                return
            time.sleep(_LOOK_SECONDS)


def _leaver(agent):
    (said,) = states([agent])
    return {"slot": agent.slot, "container": agent.container, "task": said["task"]}


def _well(container):
    return docker("exec", container, "fleet-agent-health", timeout=_HEALTH_SECONDS)[0] == 0


def _log(container):
    return docker("logs", "--tail", _LOG_LINES, container, timeout=_HEALTH_SECONDS)[1].strip()
