"""The examples of the pages, tried."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet.paths import REPOSITORY
from fleet.plan import node_from_variables, plan_node
from fleet.spec import Spec
from tests.own_contract import SPEC, SPEC_FILE

DOCS = REPOSITORY / "docs"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [block for found, block in _FENCE.findall(text) if found == language]


def _fleet(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`fleet` as the copy of the repository in a folder has it."""
    return _python(folder, "-c", "from fleet.cli import main; main()", *arguments)


def _phase(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m ml` as the copy of the repository in a folder has it."""
    return _python(folder, "-m", "ml", *arguments)


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _with_section(section: str, entries: dict) -> Spec:
    """The tests' contract with entries that a page adds or replaces."""
    data = SPEC.model_dump(exclude_unset=True)
    return Spec.model_validate({**data, section: {**data[section], **entries}})


@pytest.fixture
def repository(tmp_path):
    for name in ("fleet", "ml"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=ignored)
    shutil.copy(SPEC_FILE, tmp_path)
    shutil.copy(REPOSITORY / "README.md", tmp_path)
    return tmp_path


def test_the_new_step_works_as_the_page_says(repository):
    module = _blocks("new-step.md", "python")[0]
    name = module.splitlines()[0].removeprefix("# ").strip()
    if (repository / name).exists():
        pytest.skip("somebody has followed the page, here")
    (repository / name).write_text(module)

    refused = _fleet(repository, "validate")
    assert refused.returncode == 1
    told = next(
        line for line in _blocks("new-step.md", "console")[1].splitlines() if ": no" in line
    )
    assert told.split(": ", 1)[1] in refused.stdout

    contract = repository / "queues.yml"
    entry = _blocks("new-step.md", "yaml")[0]
    shipped = re.search(r"  cpu-preprocess:\n(    .*\n)*?    phases:.*\n", contract.read_text())
    contract.write_text(contract.read_text().replace(shipped[0], entry))
    assert _fleet(repository, "validate").returncode == 0
    explained = _fleet(repository, "explain", "phase", "line-count")
    assert "It runs on the queue cpu-preprocess" in explained.stdout

    source = "Input/source=README.md"
    ran = _phase(repository, "line-count", "--set", source, "--out", "lines")
    assert ran.returncode == 0, ran.stderr
    assert " lines" in ran.stdout


def test_the_new_model_is_one_file_as_the_page_says(repository):
    module = _blocks("developers.md", "python")[0]
    name = module.splitlines()[0].removeprefix("# ").strip()
    if (repository / name).exists():
        pytest.skip("somebody has followed the page, here")
    (repository / name).write_text(module)

    fields = (
        "Training/models=nearest",
        "Data/source=builtin:wine",
        "Training/tuning_trials=3",
    )
    settings = [part for field in fields for part in ("--set", field)]
    ran = _phase(repository, "pipeline", *settings, "--out", "run")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    summary = json.loads((repository / "run" / "training-summary" / "summary.json").read_text())
    assert summary["best"]["model"] == "nearest"
    assert summary["failed"] == []


def test_the_new_queue_is_one_that_the_contract_takes():
    entries = yaml.safe_load(_blocks("add-a-queue.md", "yaml")[0])["queues"]
    spec = _with_section("queues", entries)
    assert spec.queues_of_group("gpu_nodes")[-1] == "vision-train"


def test_unmanaged_and_access_are_what_the_contract_takes():
    for page in ("move-a-queue.md", "who-decides.md"):
        data = SPEC.model_dump(exclude_unset=True)
        Spec.model_validate({**data, **yaml.safe_load(_blocks(page, "yaml")[0])})


def test_mounts_and_buckets_are_what_the_contract_takes():
    mounts, buckets = (yaml.safe_load(block) for block in _blocks("give-tasks-data.md", "yaml")[:2])
    group = mounts["node_groups"]["gpu_nodes"]
    group["data"] |= buckets["data"]
    data = _with_section("node_groups", {"gpu_nodes": group}).node_groups["gpu_nodes"].data
    assert (data.mounts[0].writable, data.mounts[1].destination) == (False, "/scratch")
    vault = yaml.safe_load(_blocks("give-tasks-data.md", "yaml")[2])
    assert set(vault) == {store.credentials for store in data.object_stores}


def test_the_nodes_of_the_page_have_the_slots_that_it_says():
    blocks = [yaml.safe_load(block) for block in _blocks("add-a-gpu-node.md", "yaml")]
    added = next(block for block in blocks if "node_groups" in block)
    data = SPEC.model_dump(exclude_unset=True)
    spec = Spec.model_validate(
        {**data, **{section: {**data[section], **entries} for section, entries in added.items()}}
    )
    assert spec.queues_of_group("mig_nodes") == ["mig-infer"]
    digests = dict.fromkeys(spec.images, "sha256:" + "0" * 64)

    def slots(name: str, variables: dict, *groups: str) -> list[tuple[str, ...]]:
        node = node_from_variables(name, groups, variables)
        plan = plan_node(spec, node, registry="registry:5000", digests=digests)
        return [slot.devices for slot in plan.slots]

    mig = next(block["mig_nodes"]["hosts"]["gpu-8"] for block in blocks if "mig_nodes" in block)
    assert slots("gpu-8", mig, "mig_nodes") == [("0:0",), ("0:1",), ("1:0",), ("1:1",)]
    shared = next(block["gpu-9"] for block in blocks if "gpu-9" in block)
    assert slots("gpu-9", shared, "gpu_nodes") == [(str(gpu),) for gpu in range(6)]


def test_the_inventory_in_ini_is_read_as_the_page_says(tmp_path):
    inventory = tmp_path / "hosts"
    inventory.write_text(_blocks("add-a-gpu-node.md", "ini")[0])

    def explained(node: str) -> dict:
        done = _fleet(
            REPOSITORY,
            *("explain", "node", node, "-i", str(inventory)),
            *("--spec", str(SPEC_FILE), "--json"),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    slots = explained("gpu-8")["facts"]["slots"]
    assert [slot["devices"] for slot in slots] == [["0", "1"], ["2", "3"], ["4", "5"], ["6", "7"]]
    assert "disabled (new fans on Friday)" in explained("gpu-9")["explanation"]
    assert explained("gpu-7")["facts"]["unknown_gpus"] == ["gpu_nodes"]
