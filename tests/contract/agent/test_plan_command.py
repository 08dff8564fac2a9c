"""`fleet plan` as it is typed, against the embedded server and a real agent."""

import json
import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml

from tests.contract.agent.conftest import WORKER, wait_for
from tests.contract.agent.declared import PLAN, SLOT, SPEC, TAGS, WANTED

# All that drift may ask of a server, and what any client asks to log in.
READING = {
    "queues.get_all",
    "workers.get_all",
    "tasks.get_all",
    "projects.get_all",
    "auth.login",
    "debug.ping",
}


class Site:
    """The files of a site, and `fleet plan` for them."""

    def __init__(self, folder: Path, server):
        self.folder = folder
        self.inventory = folder / "hosts.yml"
        self.spec = folder / "queues.yml"
        self.digests = folder / "digests.yml"
        self.spec.write_text(
            yaml.safe_dump(SPEC.model_dump(exclude_defaults=True), sort_keys=False)
        )
        images = {
            name: {
                "repository": SPEC.images[name].repository,
                "digest": digest,
                "inputs": "0" * 64,
            }
            for name, digest in WANTED.digests.items()
        }
        self.digests.write_text(yaml.safe_dump({"images": images}))
        self.variables = {
            "fleet_registry": WANTED.registry,
            "fleet_queues_file": str(self.spec),
            "fleet_digests_file": str(self.digests),
            "queues_config_file": str(server.config),
        }
        self.write_inventory("node")

    def write_inventory(self, *nodes):
        hosts = dict.fromkeys(nodes)
        groups = {"cpu_nodes": {"hosts": hosts, "vars": self.variables}}
        self.inventory.write_text(yaml.safe_dump({"all": {"children": groups}}))

    def plan(self, *arguments):
        command = [str(Path(sys.executable).with_name("fleet")), "plan", "-i", str(self.inventory)]
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            check=False,
        )


@pytest.fixture
def site(tmp_path, server):
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder, server)


@pytest.fixture
def asked(server, site, tmp_path):
    """What passes between `fleet plan` and the server: the names of the endpoints."""
    names = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            names.append(self.path.rpartition("/")[2].partition("?")[0])
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            answer = requests.request(
                self.command, server.url + self.path, data=body, headers=headers, timeout=10
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as between:
        thread = threading.Thread(target=between.serve_forever, daemon=True)
        thread.start()
        config = tmp_path / "between.conf"
        url = f"http://127.0.0.1:{between.server_port}"
        config.write_text(server.config.read_text().replace(server.url, url))
        site.variables["queues_config_file"] = str(config)
        site.write_inventory("node")
        yield names
        between.shutdown()
        thread.join(10)


def test_two_then_zero_then_two_as_an_agent_comes_and_goes(api, site, start_agent):
    before = site.plan()
    assert before.returncode == 2, before.stderr
    assert re.search(rf"^  \+ {WORKER} +the server has not heard of it", before.stdout, re.M)
    (command,) = (line for line in before.stdout.splitlines() if "ansible-playbook" in line)
    folder = re.fullmatch(r"  \(cd (\S+) && ansible-playbook -i (\S+) site.yml .*\)", command)
    assert (site.folder / folder[1] / "site.yml").is_file()
    assert (site.folder / folder[1] / folder[2]).samefile(site.inventory)
    assert command.endswith("--limit node)")
    assert before.stdout.endswith("\nPlan: 1 to add, 0 to change, 0 to remove, 0 unknown to us.\n")
    assert "\x1b" not in before.stdout

    agent = start_agent(*SLOT.queues, CLEARML_WORKER_TAGS=TAGS)
    wait_for(start_agent.polled.exists)
    equal = site.plan()
    assert equal.returncode == 0, equal.stdout + equal.stderr
    assert "No differences: the fleet is what queues.yml and the inventory say." in equal.stdout

    site.write_inventory("node", "node-2")
    second = site.plan("--json")
    assert second.returncode == 2, second.stderr
    (missing,) = json.loads(second.stdout)["differences"]
    assert (missing["action"], missing["name"]) == ("add", "node-2:0")
    site.write_inventory("node")

    agent.terminate()
    assert agent.wait(10) == 0
    assert site.plan().returncode == 2


def test_the_json_holds_nodes_differences_counts_and_server(api, server, site):
    stray = api.call("queues.create", name="team-b")
    done = site.plan("--json")
    assert done.returncode == 2, done.stderr
    found = json.loads(done.stdout)
    assert [node["node"] for node in found["nodes"]] == ["node"]
    assert found["nodes"][0]["slots"][0]["worker_id"] == WORKER
    assert [(item["action"], item["kind"], item["name"]) for item in found["differences"]] == [
        ("unknown", "queue", "team-b"),
        ("add", "worker", WORKER),
    ]
    assert found["counts"] == {
        "nodes": 1,
        "slots": 1,
        "add": 1,
        "change": 0,
        "remove": 0,
        "unknown": 1,
    }
    assert found["server"] == server.url
    assert set(found["commits"].values()) == {"a" * 40}
    api.call("queues.delete", queue=stray["id"])


def test_what_makes_them_equal_are_commands_for_this_very_fleet(api, site):
    done = site.plan("--json", "--registry", "other:5000")
    assert api.url == json.loads(done.stdout)["server"]
    mends = {item["kind"]: item["mend"] for item in json.loads(done.stdout)["differences"]}
    assert mends["worker"].endswith(" site.yml -e fleet_registry=other:5000 --limit node)")
    words = shlex.split(mends["template"])
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["fleet", "template", "publish"]
    assert given["--registry"] == "other:5000"
    assert given["--repository"] == "git://example/fleet.git"
    assert (site.folder / given["--config"]).is_file()
    assert (site.folder / given["--spec"]).samefile(site.spec)
    assert (site.folder / given["--digests"]).read_text().startswith("images:")


def test_it_asks_a_bounded_number_of_things_and_changes_nothing(api, site, asked):
    first = site.plan()
    assert first.returncode == 2, first.stderr
    assert set(asked) <= READING
    requests_of_one = len(asked)
    queue = api.queues()[0]["id"]
    for index in range(300):
        api.call("workers.register", worker=f"other:{index}", queues=[queue])
    asked.clear()
    many = site.plan()
    assert "300 unknown to us" in many.stdout
    assert len(asked) == requests_of_one


def test_offline_shows_what_is_declared_and_needs_no_server(server, site):
    server.process.kill()
    server.process.wait(10)
    done = site.plan("--offline")
    assert done.returncode == 0, done.stderr
    assert WORKER in done.stdout
    assert "Plan:" not in done.stdout
    found = json.loads(site.plan("--offline", "--json").stdout)
    assert found["nodes"][0]["node"] == PLAN.node
    assert (found["differences"], found["server"]) == (None, None)


def test_offline_shows_what_is_not_built_yet(site):
    site.digests.unlink()
    done = site.plan("--offline")
    assert done.returncode == 0, done.stderr
    assert "(not built)" in done.stdout
    compared = site.plan()
    assert compared.returncode == 1
    assert "has no digest" in compared.stderr


def test_a_server_that_is_away_is_an_error_and_no_half_answer(server, site):
    server.process.kill()
    server.process.wait(10)
    for arguments in ((), ("--json",)):
        done = site.plan(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "the ClearML server does not answer" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_node_that_has_no_plan_is_an_error_and_no_half_answer(site, form):
    spec = SPEC.model_dump(exclude_defaults=True)
    spec["images"]["cuda"] = {"repository": "fleet/cuda"}
    spec["node_groups"]["cpu_nodes"]["accelerator"] = "gpu"
    site.spec.write_text(yaml.safe_dump(spec, sort_keys=False))
    site.variables["fleet_gpus"] = 1
    site.write_inventory(*(f"node-{index}" for index in range(50)))
    hosts = yaml.safe_load(site.inventory.read_text())
    hosts["all"]["children"]["cpu_nodes"]["hosts"]["node-49"] = {"fleet_slots": 3}
    site.inventory.write_text(yaml.safe_dump(hosts))
    done = site.plan("--offline", *form)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "node-49" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_command_line_is_an_error_as_others_are(site):
    for arguments in (["--no-such-option"], ["-i", "no-such-inventory"], ["--config"]):
        done = site.plan(*arguments)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "Error: " in done.stderr


def test_what_the_inventory_does_not_say_is_named(site):
    del site.variables["queues_config_file"]
    site.write_inventory("node")
    done = site.plan()
    assert done.returncode == 1
    assert "queues_config_file" in done.stderr
    del site.variables["fleet_registry"]
    site.write_inventory("node")
    done = site.plan()
    assert done.returncode == 1
    assert "fleet_registry" in done.stderr


def test_the_command_line_goes_before_the_inventory(server, site, api):
    given = dict(site.variables)
    site.variables = dict.fromkeys(given, "/no/such/file")
    site.write_inventory("node")
    done = site.plan(
        f"--registry={given['fleet_registry']}",
        f"--digests={site.digests}",
        f"--spec={site.spec}",
        f"--config={server.config}",
    )
    assert done.returncode == 2, done.stderr
    assert "Plan: 1 to add" in done.stdout


def test_more_slots_than_a_screen_holds_are_a_line_for_each_node(site):
    site.write_inventory(*(f"node-{index}" for index in range(60)))
    done = site.plan("--offline")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 61
    assert lines[-1] == "60 nodes, 60 slots"
    assert re.fullmatch(r"node-0 +1 cpu_nodes", lines[0])
