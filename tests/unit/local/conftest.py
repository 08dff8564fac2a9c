import json
import subprocess

import pytest

from fleet.local import engine
from fleet.local.layout import Layout


@pytest.fixture
def layout(tmp_path):
    return Layout("lab", tmp_path / ".fleet")


class FakeEngine:
    """Stands for `docker`: remembers the commands, and the containers that they make."""

    def __init__(self):
        self.commands = []
        self.containers = {}
        self.answers = {}

    def __call__(self, *arguments, timeout=60, check=True, stdin=None):
        self.commands.append(arguments)
        text = ""
        if arguments[:2] == ("container", "inspect"):
            found = [self.containers[name] for name in arguments[2:] if name in self.containers]
            text = json.dumps(found)
        elif arguments[0] == "run":
            self._run(arguments)
        elif arguments[0] == "rm":
            for name in arguments[1:]:
                self.containers.pop(name, None)
        elif arguments[0] == "start":
            self.containers[arguments[1]]["State"] = {"Running": True, "Status": "running"}
        else:
            text = self.answers.get(arguments[:2], "")
        return subprocess.CompletedProcess(arguments, 0, text, "")

    def _run(self, arguments):
        words = dict(word.split("=", 1) for word in arguments if word.startswith("--name="))
        labels = dict(
            word.removeprefix("--label=").split("=", 1)
            for word in arguments
            if word.startswith("--label=")
        )
        self.containers[words["--name"]] = {
            "Name": "/" + words["--name"],
            "Config": {"Labels": labels},
            "State": {"Running": True, "Status": "running"},
        }


@pytest.fixture
def fake_engine(monkeypatch):
    fake = FakeEngine()
    monkeypatch.setattr(engine, "docker", fake)
    return fake
