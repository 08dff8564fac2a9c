"""The quick start runs a task's code as the real agent does, from the node's cache.

Slow because the real agent runs each time: only it knows what a repository and a diff are.
"""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from fleet.paths import REPOSITORY
from tests.contract.agent.conftest import AGENT

#: What the images of tasks tell the agent in them.
OF_THE_IMAGE = dict(
    re.findall(r"(CLEARML_AGENT_\w+)=(\S+)", (REPOSITORY / "images/common/Dockerfile").read_text())
)
JOB = """\
import json, os, pathlib, subprocess, sys
config = json.loads(pathlib.Path(os.environ["CLEARML_CONFIG_FILE"]).read_text())
git = lambda *words: subprocess.check_output(["git", *words], text=True).strip()
pathlib.Path(os.environ["SAID"]).write_text(json.dumps({
    "text": pathlib.Path("text").read_text(),
    "commit": git("rev-parse", "HEAD"),
    "remote": git("remote", "get-url", "origin"),
    "tags": git("tag"),
    "modules": [name for name in sys.modules if name.startswith("fleet_task")],
    "path": [entry for entry in sys.path if "images/agent" in entry],
    "configuration": sorted(config),
    "python": sys.executable,
}))
"""
DIFF = """\
diff --git a/text b/text
--- a/text
+++ b/text
@@ -1 +1 @@
-one
+changed
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit and a tag."""
    folder = tmp_path / "remote" / "steps"
    folder.mkdir(parents=True)
    (folder / "job.py").write_text(JOB)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "one\n")
    git(folder, "tag", "v1")
    return folder


@pytest.fixture
def execute(server, repository, tmp_path):
    """Run a task as in its container; returns what its code saw."""
    config = tmp_path / "task.conf"
    config.write_text(
        server.config.read_text()
        + f"""
agent {{
    git_pass: "s3cret"
    venvs_dir: "{tmp_path}/venvs"
    vcs_cache {{ enabled: true, path: "{tmp_path}/vcs" }}
}}
"""
    )
    said = tmp_path / "said.json"

    def run(version, diff="", requirements=""):
        script = {
            "binary": "python3",
            "repository": f"file://{repository}",
            "version_num": version,
            "entry_point": "job.py",
            "working_dir": ".",
            "diff": diff,
            "requirements": {"pip": requirements},
        }
        task = server.call("tasks.create", name="job", type="testing", script=script)["id"]
        said.unlink(missing_ok=True)
        command = [sys.executable, "-u", str(AGENT / "fleet_task"), "execute"]
        environment = {
            **os.environ,
            "HOME": str(tmp_path),
            "CLEARML_CONFIG_FILE": str(config),
            **OF_THE_IMAGE,
            "SAID": str(said),
        }
        done = subprocess.run(
            [*command, "--disable-monitoring", "--id", task],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        run.output = done.stdout + done.stderr
        assert done.returncode == 0, run.output
        return json.loads(said.read_text())

    return run


def test_what_the_node_has_is_not_asked_for_again(repository, execute):
    version = git(repository, "rev-parse", "HEAD")
    first = execute(version)  # clones, as the stock agent does
    away = repository.rename(repository.with_name("away"))

    again = execute(version)

    assert again == first
    assert (again["text"], again["commit"], again["tags"]) == ("one\n", version, "v1")
    assert again["remote"] == f"file://{repository}"
    assert execute(version, diff=DIFF)["text"] == "changed\n"

    away.rename(repository)
    newer = commit(repository, "two\n")
    assert execute(newer)["text"] == "two\n"  # the cache lacked it
    assert execute(version)["text"] == "one\n"


def test_the_tasks_code_sees_nothing_of_the_quick_start(repository, execute):
    said = execute(git(repository, "rev-parse", "HEAD"))

    assert said["modules"] == said["path"] == []
    assert said["configuration"] == ["api", "sdk"]
    assert "s3cret" not in execute.output


def test_nothing_is_installed_whatever_a_task_names(repository, execute, tmp_path):
    wanted = "no-such-package==1.0\n"
    said = execute(git(repository, "rev-parse", "HEAD"), requirements=wanted)

    assert said["python"] == sys.executable
    assert list((tmp_path / "venvs").rglob("pyvenv.cfg")) == []


@pytest.fixture
def asked(server, execute, tmp_path):
    """The names of the endpoints that the agent in the task's container asks."""
    names = []

    class Between(BaseHTTPRequestHandler):
        def do_POST(self):
            names.append(self.path.rpartition("/")[2].partition("?")[0])
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            url = server.url + self.path
            answer = requests.request(self.command, url, data=body, headers=headers, timeout=10)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Between) as between:
        threading.Thread(target=between.serve_forever, daemon=True).start()
        config = tmp_path / "task.conf"
        url = f"http://127.0.0.1:{between.server_port}"
        config.write_text(config.read_text().replace(server.url, url))
        yield names
        between.shutdown()


def test_a_handful_of_requests_is_made_before_the_tasks_code_and_after_it(
    repository, execute, asked
):
    execute(git(repository, "rev-parse", "HEAD"))

    assert asked[:2] == ["auth.login", "tasks.get_by_id"]
    assert len(asked) <= 5, asked


def test_a_repository_with_submodules_is_left_to_the_agent(repository, execute, tmp_path):
    part = tmp_path / "remote" / "part"
    part.mkdir()
    git(part, "init", "-q", "-b", "main")
    commit(part, "inner\n")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", f"file://{part}")
    version = commit(repository, "one more\n")
    git(tmp_path, "config", "--global", "protocol.file.allow", "always", HOME=str(tmp_path))
    execute(version)

    execute(version)

    assert "pulling git completed" in execute.output


def git(folder, *words, **environment):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", *words]
    return subprocess.check_output(
        command, cwd=folder, text=True, env={**os.environ, **environment}
    ).strip()


def commit(folder, text):
    (folder / "text").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", text.strip())
    return git(folder, "rev-parse", "HEAD")
