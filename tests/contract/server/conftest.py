"""The embedded server, the real SDK in its own processes, and the real agent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ENVIRONMENT = Path(sys.executable).parent
START = [sys.executable, "-c", "from fleet.cli import main; main()", "server"]
SCRIPT = """
import sys
from clearml import Task

task = Task.init("contract/remote", "remote work", auto_connect_frameworks=False)
settings = task.connect({"x": 1, "fail": False}, name="Settings")
print("x is", settings["x"])
if settings["fail"]:
    sys.exit(3)
task.get_logger().report_scalar("result", "x", settings["x"], iteration=0)
task.upload_artifact("result", {"x": settings["x"]})
"""


class Lab:
    """A server with a git remote, and a place to run things against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.processes: list[subprocess.Popen] = []
        ports = ["--port", "0", "--files-port", "0"]
        server = self.start("server", [*START, "--data", str(folder / "data"), *ports])
        self.wait_for("server", "ready", server)
        self.remote, self.commit = self._repository()

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CLEARML")}
        return kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PATH": f"{ENVIRONMENT}:{os.environ['PATH']}",
            "CLEARML_CONFIG_FILE": str(self.folder / "data" / "clearml.conf"),
            # A file of its own: the agent writes to it, and as root would replace a device.
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
        }

    def start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen:
        """Start a process whose output goes to a file of that name."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env=self.environment | environment,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def wait_for(self, name: str, text: str, process: subprocess.Popen, seconds: int = 30) -> None:
        """Wait for a text in the output of a process."""
        log = self.folder / f"{name}.log"
        for _ in range(seconds * 20):
            if text in log.read_text():
                return
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{text!r} did not come: {log.read_text()}")

    def agent(self, worker: str, *arguments: str) -> subprocess.Popen:
        """Start an agent that polls each second and uses the packages that are there."""
        command = [
            str(ENVIRONMENT / "clearml-agent"),
            "daemon",
            "--foreground",
            "--cpu-only",
            "--create-queue",
            *arguments,
        ]
        process = self.start(
            worker,
            command,
            CLEARML_WORKER_ID=worker,
            CLEARML_AGENT_QUEUE_POLL_FREQ_SEC="1",
            CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL="1",
        )
        self.wait_for(worker, "No tasks in Queues", process)
        return process

    def python(self, code: str, *arguments: str, seconds: int = 60) -> str:
        """Run code in a Python of its own; what it prints."""
        script = self.home / f"script-{time.monotonic_ns()}.py"
        script.write_text(textwrap.dedent(code))
        result = subprocess.run(
            [sys.executable, str(script), *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def stop(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _repository(self) -> tuple[str, str]:
        work, bare = self.folder / "work", self.folder / "remote.git"
        work.mkdir()
        (work / "work.py").write_text(SCRIPT)

        def git(*arguments: str) -> str:
            names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
            command = ["git", "-C", str(work), *names, *arguments]
            return subprocess.run(
                command, check=True, capture_output=True, text=True, env=self.environment
            ).stdout.strip()

        git("init", "-q")
        git("add", ".")
        git("commit", "-q", "-m", "work")
        git("clone", "-q", "--bare", ".", str(bare))
        return f"file://{bare}", git("rev-parse", "HEAD")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()
    log = (lab.folder / "server.log").read_text()
    assert "Traceback" not in log, log
    assert lab.processes[0].returncode == 0
